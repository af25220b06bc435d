package operator

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gatewright/gatewright/compiler"
	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/compiler/snapshot"
	"github.com/gatewright/gatewright/operator/dataplane"
)

// searchTimeout bounds a search as a whole: a pod takes about a second for each
// candidate, and of n suspects one is found with about log2(n).
const searchTimeout = 2 * time.Minute

// errBlameless says that nginx refuses the configuration without any suspect.
var errBlameless = errors.New("nginx refuses the configuration even without the routes in question")

// generations are the routes in a bundle: "HTTPRoute namespace/name" and
// generation.
type generations map[string]int64

// trial is the right to have a Gateway's pods try bundles.
type trial interface {
	Offer(ctx context.Context, o *dataplane.Offer) (*bundle.Refusal, error)
	End()
}

// quarantine finds the routes whose configuration nginx refuses, and keeps them
// out until they change, so that their neighbours are served.
type quarantine struct {
	// compile is the compiler.
	compile func(snapshot.Snapshot) compiler.Result
	// begin takes a Gateway's pods over.
	begin func(types.NamespacedName) (trial, error)
	// recall returns the routes that were in the last good bundle, where this
	// process does not know: after a restart.
	recall func(context.Context, types.NamespacedName) generations
	// changed is called when there is a new finding.
	changed func()
	log     logr.Logger

	mu        sync.Mutex
	blamed    map[snapshot.RouteKey]snapshot.Quarantine
	accepted  map[types.NamespacedName]generations
	searching map[types.NamespacedName]bool
	// blameless are the hashes of bundles that are refused for no route's sake.
	blameless map[types.NamespacedName]string
}

func newQuarantine(
	compile func(snapshot.Snapshot) compiler.Result,
	begin func(types.NamespacedName) (trial, error),
	recall func(context.Context, types.NamespacedName) generations,
) *quarantine {
	return &quarantine{
		compile: compile, begin: begin, recall: recall, changed: func() {}, log: logr.Discard(),
		blamed:    map[snapshot.RouteKey]snapshot.Quarantine{},
		accepted:  map[types.NamespacedName]generations{},
		searching: map[types.NamespacedName]bool{},
		blameless: map[types.NamespacedName]string{},
	}
}

// current returns the findings that still hold: a route that has changed since
// is tried anew.
func (q *quarantine) current(s snapshot.Snapshot) map[snapshot.RouteKey]snapshot.Quarantine {
	q.mu.Lock()
	defer q.mu.Unlock()
	maps.DeleteFunc(q.blamed, func(key snapshot.RouteKey, found snapshot.Quarantine) bool {
		route, ok := s.Route(key)
		return !ok || route.GetGeneration() != found.Generation
	})
	quarantinedRoutes.Set(float64(len(q.blamed)))
	return maps.Clone(q.blamed)
}

// accept notes the routes in a bundle that nginx serves.
func (q *quarantine) accept(gateway types.NamespacedName, routes generations) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.searching[gateway] {
		q.accepted[gateway] = routes
		delete(q.blameless, gateway)
	}
}

// busy says that a search goes on: what the pods serve then is no last word.
func (q *quarantine) busy(gateway types.NamespacedName) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.searching[gateway]
}

// retain forgets all Gateways but these.
func (q *quarantine) retain(gateways map[types.NamespacedName]bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	maps.DeleteFunc(q.accepted, func(key types.NamespacedName, _ generations) bool { return !gateways[key] })
	maps.DeleteFunc(q.blameless, func(key types.NamespacedName, _ string) bool { return !gateways[key] })
}

// refusal is a bundle that nginx has refused, and what it was compiled from.
type refusal struct {
	gateway  types.NamespacedName
	snapshot snapshot.Snapshot
	routes   generations
	hash     string
}

// investigate starts a search for the routes to blame, unless one goes on or it
// is known that there are none.
func (q *quarantine) investigate(ctx context.Context, r refusal) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.searching[r.gateway] || q.blameless[r.gateway] == r.hash {
		return
	}
	q.searching[r.gateway] = true
	go func() {
		// It outlives the reconciliation that has started it.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), searchTimeout)
		defer cancel()
		found, err := q.search(ctx, r)
		q.conclude(r, found, err)
	}()
}

func (q *quarantine) conclude(r refusal, found map[snapshot.RouteKey]snapshot.Quarantine, err error) {
	q.mu.Lock()
	delete(q.searching, r.gateway)
	maps.Copy(q.blamed, found)
	if errors.Is(err, errBlameless) {
		q.blameless[r.gateway] = r.hash
	}
	q.mu.Unlock()
	for key, f := range found {
		q.log.Info("quarantined a route that nginx refuses", "gateway", r.gateway.String(), "route", key.String(), "nginx", f.Message)
	}
	if err != nil {
		q.log.Error(err, "finding the route that nginx refuses", "gateway", r.gateway.String())
	}
	q.changed()
}

// search has the pods try the configuration with some of the suspects, until
// all that are to blame are known.
func (q *quarantine) search(ctx context.Context, r refusal) (map[snapshot.RouteKey]snapshot.Quarantine, error) {
	t, err := q.begin(r.gateway)
	if err != nil {
		return nil, err
	}
	defer t.End()
	among := func(suspects []snapshot.RouteKey) (map[snapshot.RouteKey]string, error) {
		return bisect(suspects, func(included []snapshot.RouteKey) (string, error) {
			return q.try(ctx, t, r, without(suspects, included))
		})
	}
	all, changed := q.suspects(ctx, r)
	blamed, err := among(changed)
	if errors.Is(err, errBlameless) && len(changed) < len(all) {
		// What a route refers to may have changed, and not the route.
		blamed, err = among(all)
	}
	found := map[snapshot.RouteKey]snapshot.Quarantine{}
	for key, words := range blamed {
		found[key] = snapshot.Quarantine{Generation: r.routes[key.String()], Message: words}
	}
	return found, err
}

// suspects are all routes of the bundle, and those of them that nginx has not
// accepted as they are now. Where only the latter are tried, the others stay in
// every candidate, so that the search takes nothing from them.
func (q *quarantine) suspects(ctx context.Context, r refusal) (all, changed []snapshot.RouteKey) {
	q.mu.Lock()
	accepted := q.accepted[r.gateway]
	q.mu.Unlock()
	if accepted == nil {
		accepted = q.recall(ctx, r.gateway)
	}
	for _, route := range r.snapshot.Routes() {
		key := route.RouteKey()
		generation, in := r.routes[key.String()]
		if !in {
			continue
		}
		all = append(all, key)
		if accepted[key.String()] != generation {
			changed = append(changed, key)
		}
	}
	return all, changed
}

// try returns nginx's words if it refuses the configuration without the excluded
// routes, and nothing if it serves it now.
func (q *quarantine) try(ctx context.Context, t trial, r refusal, excluded []snapshot.RouteKey) (string, error) {
	s := r.snapshot
	s.Quarantined = maps.Clone(s.Quarantined)
	if s.Quarantined == nil {
		s.Quarantined = map[snapshot.RouteKey]snapshot.Quarantine{}
	}
	for _, key := range excluded {
		s.Quarantined[key] = snapshot.Quarantine{Generation: r.routes[key.String()]}
	}
	for _, g := range q.compile(s).Gateways {
		if g.Key != r.gateway {
			continue
		}
		refused, err := t.Offer(ctx, dataplane.NewOffer(g.Bundle))
		if err != nil {
			return "", err
		}
		if refused == nil {
			return "", nil
		}
		return refused.Message, nil
	}
	return "", fmt.Errorf("try bundles on Gateway %s: it is not there any more", r.gateway)
}

// bisect returns the suspects that try refuses, each with the words of the
// refusal. try gets those to include; what it accepts stays included, so that
// what nginx serves meanwhile only grows. All suspects together are known to be
// refused. It fails with errBlameless if none of them is to blame.
func bisect(suspects []snapshot.RouteKey, try func(included []snapshot.RouteKey) (string, error)) (map[snapshot.RouteKey]string, error) {
	words, err := try(nil)
	switch {
	case err != nil:
		return nil, err
	case words != "":
		return nil, fmt.Errorf("%w: %s", errBlameless, words)
	}
	var accepted []snapshot.RouteKey
	blamed := map[snapshot.RouteKey]string{}
	var divide func(part []snapshot.RouteKey, refused string) error
	divide = func(part []snapshot.RouteKey, refused string) error {
		if len(part) == 1 && refused != "" {
			blamed[part[0]] = refused
			return nil
		}
		half := (len(part) + 1) / 2
		for _, some := range [][]snapshot.RouteKey{part[:half], part[half:]} {
			if len(some) == 0 {
				continue
			}
			words, err := try(slices.Concat(accepted, some))
			if err != nil {
				return err
			}
			if words == "" {
				accepted = append(accepted, some...)
				continue
			}
			if err := divide(some, words); err != nil {
				return err
			}
		}
		return nil
	}
	err = divide(suspects, "")
	return blamed, err
}

// without returns those of all that are not in some.
func without(all, some []snapshot.RouteKey) []snapshot.RouteKey {
	return slices.DeleteFunc(slices.Clone(all), func(key snapshot.RouteKey) bool { return slices.Contains(some, key) })
}
