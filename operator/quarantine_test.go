package operator

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gatewright/gatewright/compiler/snapshot"
)

func names(all string) []snapshot.RouteKey {
	var keys []snapshot.RouteKey
	for name := range strings.FieldsSeq(all) {
		keys = append(keys, routeKey("blog", name))
	}
	return keys
}

func TestBisectionFindsAllThatAreToBlameAndNobodyElse(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		suspects string
		// refused says whether nginx refuses a configuration with these.
		refused func(included []string) bool
		blamed  string
	}{
		"one of one":             {suspects: "a", refused: with("a"), blamed: "a"},
		"the first of eight":     {suspects: "a b c d e f g h", refused: with("a"), blamed: "a"},
		"the last of seven":      {suspects: "a b c d e f g", refused: with("g"), blamed: "g"},
		"two of seven":           {suspects: "a b c d e f g", refused: with("b", "f"), blamed: "b f"},
		"all of them":            {suspects: "a b c", refused: with("a", "b", "c"), blamed: "a b c"},
		"the later of a couple":  {suspects: "a b c d", refused: together("b", "d"), blamed: "d"},
		"of neighbours, the one": {suspects: "a b", refused: together("a", "b"), blamed: "b"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var served []snapshot.RouteKey
			blamed, err := bisect(names(test.suspects), func(included []snapshot.RouteKey) (string, error) {
				var in []string
				for _, key := range included {
					in = append(in, key.Name)
				}
				if test.refused(in) {
					return "no", nil
				}
				for _, key := range served {
					if !slices.Contains(included, key) {
						t.Errorf("%s was served, and is taken away", key)
					}
				}
				served = included
				return "", nil
			})
			if err != nil {
				t.Fatal(err)
			}
			want := map[snapshot.RouteKey]string{}
			for _, key := range names(test.blamed) {
				want[key] = "no"
			}
			if diff := cmp.Diff(want, blamed); diff != "" {
				t.Errorf("blamed (-want +got):\n%s", diff)
			}
			if len(served)+len(blamed) != len(names(test.suspects)) {
				t.Errorf("in the end %v are served, want all that are not to blame", served)
			}
		})
	}
}

// with is refused as soon as one of them is in.
func with(bad ...string) func([]string) bool {
	return func(in []string) bool {
		return slices.ContainsFunc(bad, func(b string) bool { return slices.Contains(in, b) })
	}
}

// together is refused only with all of them in.
func together(bad ...string) func([]string) bool {
	return func(in []string) bool {
		return !slices.ContainsFunc(bad, func(b string) bool { return !slices.Contains(in, b) })
	}
}

func TestBisectionTakesFewTrials(t *testing.T) {
	t.Parallel()
	var suspects []snapshot.RouteKey
	for i := range 256 {
		suspects = append(suspects, routeKey("", fmt.Sprintf("route-%03d", i)))
	}
	trials := 0
	blamed, err := bisect(suspects, func(included []snapshot.RouteKey) (string, error) {
		trials++
		if slices.Contains(included, suspects[200]) {
			return "no", nil
		}
		return "", nil
	})
	if err != nil || len(blamed) != 1 || blamed[suspects[200]] == "" {
		t.Fatalf("blamed %v, %v", blamed, err)
	}
	// Two halves at each of the 8 levels, and the one without any.
	if trials > 17 {
		t.Errorf("%d trials for one of 256", trials)
	}
}

func TestBisectionBlamesNobodyWhoseAbsenceDoesNotHelp(t *testing.T) {
	t.Parallel()
	blamed, err := bisect(names("a b"), func([]snapshot.RouteKey) (string, error) { return "bad listener", nil })
	if !errors.Is(err, errBlameless) || len(blamed) > 0 {
		t.Errorf("blamed %v, %v", blamed, err)
	}
}

func TestBisectionEndsWhenNobodyAnswers(t *testing.T) {
	t.Parallel()
	silence := errors.New("no pod answers")
	tries := 0
	_, err := bisect(names("a b"), func([]snapshot.RouteKey) (string, error) {
		if tries++; tries > 1 {
			return "", silence
		}
		return "", nil
	})
	if !errors.Is(err, silence) {
		t.Errorf("got %v, want %v", err, silence)
	}
}

func routeKey(namespace, name string) snapshot.RouteKey {
	return snapshot.RouteKey{Kind: "HTTPRoute", NamespacedName: types.NamespacedName{Namespace: namespace, Name: name}}
}
