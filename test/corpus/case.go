package corpus

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/tools/txtar"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

// ReadCase returns the snapshot of the case in a file, together with what all
// cases have, which is in every.yaml beside it.
func ReadCase(path string) (snapshot.Snapshot, error) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		return snapshot.Snapshot{}, fmt.Errorf("read case: %w", err)
	}
	every, err := os.ReadFile(filepath.Join(filepath.Dir(path), "every.yaml"))
	if err != nil {
		return snapshot.Snapshot{}, fmt.Errorf("read what all cases have: %w", err)
	}
	s, err := snapshotOf(every, content(archive, "in.yaml"))
	if err != nil {
		return snapshot.Snapshot{}, err
	}
	if s.DataPlanes, err = byKey[snapshot.DataPlane](archive, "dataplane.yaml", keyOf); err != nil {
		return snapshot.Snapshot{}, err
	}
	for key, plane := range s.DataPlanes {
		plane.ListenerSets = incarnations(plane.ListenerSets, s)
		s.DataPlanes[key] = plane
	}
	s.Quarantined, err = byKey[snapshot.Quarantine](archive, "quarantine.yaml", func(text string) snapshot.RouteKey {
		kind, key, _ := strings.Cut(text, " ")
		return snapshot.RouteKey{Kind: kind, NamespacedName: keyOf(key)}
	})
	return s, err
}

// incarnations names the ListenerSets of the case, given by namespace/name, as a
// data plane does.
func incarnations(served map[string]int64, s snapshot.Snapshot) map[string]int64 {
	out := map[string]int64{}
	for name, generation := range served {
		key := keyOf(name)
		if set, ok := s.ListenerSets.Get(key.Namespace, key.Name); ok {
			name = (&graph.ListenerSet{Source: set}).Incarnation()
		}
		out[name] = generation
	}
	return out
}

// byKey reads a section that maps names of objects to values.
func byKey[T any, K comparable](archive *txtar.Archive, name string, parse func(string) K) (map[K]T, error) {
	var values map[string]T
	if err := yaml.UnmarshalStrict(content(archive, name), &values); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	out := map[K]T{}
	for key, value := range values {
		out[parse(key)] = value
	}
	return out, nil
}

// keyOf reads namespace/name.
func keyOf(text string) types.NamespacedName {
	namespace, name, _ := strings.Cut(text, "/")
	return types.NamespacedName{Namespace: namespace, Name: name}
}

func content(archive *txtar.Archive, name string) []byte {
	for _, f := range archive.Files {
		if f.Name == name {
			return f.Data
		}
	}
	return nil
}
