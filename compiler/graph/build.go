package graph

import (
	"slices"
	"strings"

	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/diagnostic"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

// Build says what the snapshot means.
func Build(s snapshot.Snapshot) Graph { return newBuilder(s).build() }

func newBuilder(s snapshot.Snapshot) *builder {
	return &builder{
		s:         s,
		gateways:  map[types.NamespacedName]*Gateway{},
		slices:    map[types.NamespacedName][]*discoveryv1.EndpointSlice{},
		services:  map[servicePort]service{},
		upstreams: map[string]*Upstream{},

		unresolved: map[*Listener][]diagnostic.Diagnostic{},
	}
}

func (b *builder) build() Graph {
	b.indexEndpointSlices()
	b.readConfigs()
	b.readClasses()
	b.indexListenerSets()
	b.readGateways()
	b.readPolicies()
	b.readBackendTLSPolicies()
	b.readRoutes()
	b.raiseDrainTimes()
	b.judgePolicies()
	b.judgeBackendTLSPolicies()
	b.findShadowedMatches()
	b.findShadowedStreams()
	b.findStreamsWithoutTLS()
	b.readIssuances()
	b.resolveListeners()
	b.acceptListenerSets()
	return b.finish()
}

// builder holds what is known so far while a graph is built.
type builder struct {
	s snapshot.Snapshot
	g Graph

	configs  map[types.NamespacedName]checkedConfig
	classes  map[string]*class
	gateways map[types.NamespacedName]*Gateway
	sets     map[types.NamespacedName]*ListenerSet
	// setsOf are all ListenerSets, by their parents.
	setsOf map[types.NamespacedName][]*gatewayv1.ListenerSet
	// slices are the EndpointSlices by Service.
	slices map[types.NamespacedName][]*discoveryv1.EndpointSlice
	// services remembers what Service ports resolved to.
	services map[servicePort]service
	policies policies
	// tlsPolicies are the BackendTLSPolicies by target, the winning one first;
	// tlsPoliciesInOrder all of them.
	tlsPolicies        map[tlsTarget][]*tlsPolicy
	tlsPoliciesInOrder []*tlsPolicy
	// upstreams by ID.
	upstreams map[string]*Upstream
	issuances issuances
	// known are routes of an earlier graph whose rules mean what they did.
	known map[snapshot.RouteKey]*Route
	// unresolved is what is wrong with what a listener refers to, but for its
	// certificates.
	unresolved map[*Listener][]diagnostic.Diagnostic
}

// finish gathers the upstreams that attached rules use, and sorts.
func (b *builder) finish() Graph {
	used := map[*Upstream]bool{nil: true}
	for _, g := range b.g.Gateways {
		for _, l := range g.Listeners {
			for _, a := range l.Routes {
				for _, rule := range a.Route.Rules {
					for _, u := range rule.upstreams() {
						if !used[u] {
							used[u] = true
							b.g.Upstreams = append(b.g.Upstreams, u)
						}
					}
				}
			}
		}
	}
	slices.SortFunc(b.g.Upstreams, func(x, y *Upstream) int { return strings.Compare(x.ID, y.ID) })
	diagnostic.Sort(b.g.Diagnostics)
	// Listeners may share what is wrong with them.
	b.g.Diagnostics = slices.Compact(b.g.Diagnostics)
	return b.g
}

// report takes findings about one object.
func (b *builder) report(kind string, of metav1.Object, findings ...diagnostic.Diagnostic) {
	for _, d := range findings {
		d.Object = diagnostic.Object{Kind: kind, Namespace: of.GetNamespace(), Name: of.GetName()}
		b.g.Diagnostics = append(b.g.Diagnostics, d)
	}
}

// reportOf takes findings about what listeners are written in.
func (b *builder) reportOf(o ListenerOwner, findings ...diagnostic.Diagnostic) {
	b.report(o.Kind, o, findings...)
}

func objectOf(o ListenerOwner) diagnostic.Object {
	return diagnostic.Object{Kind: o.Kind, Namespace: o.GetNamespace(), Name: o.GetName()}
}

func yes(reason, message string) Verdict {
	return Verdict{True: true, Reason: reason, Message: message}
}
func no(reason, message string) Verdict { return Verdict{Reason: reason, Message: message} }

// maxSentences bounds a condition's message: who has mended ten faults sees the
// others then.
const maxSentences = 10

// sentences joins what was found into a condition's message, in the order given.
func sentences(findings []diagnostic.Diagnostic) string {
	var said []string
	for _, d := range findings {
		if sentence := d.String(); !slices.Contains(said, sentence) {
			said = append(said, sentence)
		}
	}
	if len(said) > maxSentences {
		said = append(said[:maxSentences], "and more")
	}
	return strings.Join(said, "; ")
}

// compareAge puts the object first that wins over another by Gateway API's
// rules for conflicts: the older one, then by namespace and name.
func compareAge(a, b metav1.Object) int {
	x, y := a.GetCreationTimestamp(), b.GetCreationTimestamp()
	switch {
	case x.Before(&y):
		return -1
	case y.Before(&x):
		return 1
	}
	return strings.Compare(a.GetNamespace()+"/"+a.GetName(), b.GetNamespace()+"/"+b.GetName())
}
