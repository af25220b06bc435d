package operator

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler"
	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/compiler/snapshot"
	"github.com/gatewright/gatewright/operator/dataplane"
)

// fakePlane is a data plane whose nginx refuses files in which "bad" stands.
type fakePlane struct {
	offered []string
	live    string
	ended   bool
}

func (p *fakePlane) Offer(_ context.Context, o *dataplane.Offer) (*bundle.Refusal, error) {
	text := string(o.Bundle.Files[0].Data)
	p.offered = append(p.offered, text)
	if strings.Contains(text, "bad") {
		return &bundle.Refusal{Hash: o.Hash, Message: "[emerg] bad"}, nil
	}
	p.live = text
	return nil, nil
}

func (p *fakePlane) End() { p.ended = true }

// listRoutes compiles a Gateway's bundle to the names of its routes.
func listRoutes(s snapshot.Snapshot) compiler.Result {
	var in []string
	for _, r := range s.HTTPRoutes.All() {
		if q, out := s.Quarantined[routeKey(r.Namespace, r.Name)]; !out || q.Generation != r.Generation {
			in = append(in, r.Name)
		}
	}
	return compiler.Result{Gateways: []compiler.Gateway{{
		Key: homeKey, Bundle: bundle.Bundle{Files: []bundle.File{{Path: "nginx.conf", Data: []byte(strings.Join(in, " "))}}},
	}}}
}

var homeKey = types.NamespacedName{Namespace: "infra", Name: "home"}

// refusedRoutes is the refusal of a configuration with these routes, all of
// generation 2.
func refusedRoutes(all string) refusal {
	r := refusal{gateway: homeKey, routes: generations{}, hash: "refused"}
	var routes []*gatewayv1.HTTPRoute
	for _, key := range names(all) {
		routes = append(routes, &gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name, Generation: 2}})
		r.routes[key.String()] = 2
	}
	r.snapshot.HTTPRoutes = snapshot.SetOf(routes...)
	return r
}

// searched runs an investigation to its end.
func searched(t *testing.T, plane *fakePlane, recalled generations, r refusal) *quarantine {
	t.Helper()
	done := make(chan struct{}, 1)
	q := newQuarantine(listRoutes,
		func(types.NamespacedName) (trial, error) { return plane, nil },
		func(context.Context, types.NamespacedName) generations { return recalled })
	q.changed = func() { done <- struct{}{} }
	q.investigate(t.Context(), r)
	<-done
	return q
}

func TestAChangedRouteIsBlamedAndItsNeighboursStay(t *testing.T) {
	t.Parallel()
	r := refusedRoutes("app bad web")
	plane := &fakePlane{}
	q := searched(t, plane, generations{"HTTPRoute blog/app": 2, "HTTPRoute blog/bad": 1, "HTTPRoute blog/web": 2}, r)

	want := map[snapshot.RouteKey]snapshot.Quarantine{
		routeKey("blog", "bad"): {Generation: 2, Message: "[emerg] bad"},
	}
	if diff := cmp.Diff(want, q.current(r.snapshot)); diff != "" {
		t.Errorf("quarantined (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"app web", "app bad web"}, plane.offered); diff != "" {
		t.Errorf("tried (-want +got):\n%s", diff)
	}
	if plane.live != "app web" || !plane.ended || q.busy(homeKey) {
		t.Errorf("live %q, trial ended: %v, busy: %v", plane.live, plane.ended, q.busy(homeKey))
	}
}

func TestWithoutMemoryAllRoutesAreSuspects(t *testing.T) {
	t.Parallel()
	r := refusedRoutes("app bad web")
	q := searched(t, &fakePlane{}, nil, r)
	if got := q.current(r.snapshot); len(got) != 1 || got[names("bad")[0]].Message == "" {
		t.Errorf("quarantined %v, want the bad one", got)
	}
}

func TestARouteThatHasNotChangedCanBeToBlame(t *testing.T) {
	t.Parallel()
	r := refusedRoutes("app bad web")
	q := searched(t, &fakePlane{}, generations{"HTTPRoute blog/app": 2, "HTTPRoute blog/bad": 2, "HTTPRoute blog/web": 1}, r)
	if got := q.current(r.snapshot); len(got) != 1 || got[names("bad")[0]].Message == "" {
		t.Errorf("quarantined %v, want the bad one", got)
	}
}

func TestAQuarantineEndsWhenTheRouteChanges(t *testing.T) {
	t.Parallel()
	r := refusedRoutes("bad")
	q := searched(t, &fakePlane{}, nil, r)
	changed := &gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{Namespace: "blog", Name: "bad", Generation: 3}}
	if got := q.current(r.snapshot.With(changed)); len(got) > 0 {
		t.Errorf("still quarantined: %v", got)
	}
}

func TestARefusalForNoRoutesSakeIsSearchedOnce(t *testing.T) {
	t.Parallel()
	r := refusedRoutes("web")
	plane := &fakePlane{}
	q := newQuarantine(
		func(snapshot.Snapshot) compiler.Result {
			return compiler.Result{Gateways: []compiler.Gateway{{
				Key: homeKey, Bundle: bundle.Bundle{Files: []bundle.File{{Path: "nginx.conf", Data: []byte("bad listener")}}},
			}}}
		},
		func(types.NamespacedName) (trial, error) { return plane, nil },
		func(context.Context, types.NamespacedName) generations { return nil })
	done := make(chan struct{}, 1)
	q.changed = func() { done <- struct{}{} }
	q.investigate(t.Context(), r)
	<-done
	tried := len(plane.offered)
	q.investigate(t.Context(), r)
	if q.busy(homeKey) {
		t.Error("a second search began")
	}
	if got := q.current(r.snapshot); len(got) > 0 || tried != 1 {
		t.Errorf("quarantined %v after %d trials, want nobody after one", got, tried)
	}
}
