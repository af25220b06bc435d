package explain

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gatewright/gatewright/compiler/snapshot"
)

func TestAStreamIsExplainedByItsRoute(t *testing.T) {
	t.Parallel()
	r, err := Parse("https://nas.example.net/")
	if err != nil {
		t.Fatal(err)
	}
	e := Explanation{
		Gateway: types.NamespacedName{Namespace: "infra", Name: "home"}, Request: r, Listener: "nas",
		PassedOnBy: &snapshot.RouteKey{Kind: "TLSRoute", NamespacedName: types.NamespacedName{Namespace: "infra", Name: "nas"}},
		Answer: Answer{
			Backends: []Backend{{Service: types.NamespacedName{Namespace: "infra", Name: "nas"}, Port: 5001, Weight: 1}},
			Why:      "to which the connection is passed on as it is",
		},
	}
	want := `GET https://nas.example.net/
  at        Gateway infra/home, listener "nas"
  by        TLSRoute infra/nas
  answered  from Service infra/nas:5001, to which the connection is passed on as it is
`
	if diff := cmp.Diff(want, e.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	closed := Explanation{Request: r, Answer: Answer{Closed: true, Why: "no route has such connections"}}
	if got, want := closed.Answer.String(), "with a closed connection: no route has such connections"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
