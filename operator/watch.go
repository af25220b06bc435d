package operator

import (
	"context"
	"maps"
	"strings"
	"sync"
	"sync/atomic"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/infra"
	"github.com/gatewright/gatewright/compiler/snapshot"
	"github.com/gatewright/gatewright/observer"
)

// world is the one key: whatever changes, all is compiled anew. So a burst of
// changes is one piece of work.
var world = reconcile.Request{NamespacedName: types.NamespacedName{Name: "world"}}

// watches knows which events are worth compiling for.
type watches struct {
	cache    cache.Cache
	interest atomic.Pointer[observer.Interest]
	// endpoints takes what happens to EndpointSlices.
	endpoints *endpointChanges
}

// sources are all that the cluster tells of. An object that no Gateway of ours
// has to do with causes no work where that can be seen from the object; nor do
// statuses, which are our own words.
func (w *watches) sources() []source.Source {
	return []source.Source{
		watch(w.cache, &gatewayv1.GatewayClass{}, func(c *gatewayv1.GatewayClass) bool {
			return c.Spec.ControllerName == v1alpha1.ControllerName
		}, specChanged),
		watch(w.cache, &gatewayv1.Gateway{}, func(g *gatewayv1.Gateway) bool { return w.now().Gateway(g) }, specChanged),
		w.routes(&gatewayv1.HTTPRoute{}), w.routes(&gatewayv1.GRPCRoute{}),
		w.routes(&gatewayv1.TLSRoute{}), w.routes(&gatewayv1.TCPRoute{}), w.routes(&gatewayv1.UDPRoute{}),
		watch(w.cache, &gatewayv1.ListenerSet{}, func(s *gatewayv1.ListenerSet) bool { return w.now().ListenerSet(s) }, specChanged),
		watch(w.cache, &gatewayv1.BackendTLSPolicy{}, func(p *gatewayv1.BackendTLSPolicy) bool {
			return w.now().BackendTLSPolicy(p)
		}, backendTLSPolicyChanged),
		watch(w.cache, &gatewayv1.ReferenceGrant{}, func(g *gatewayv1.ReferenceGrant) bool { return w.now().ReferenceGrant(g) }, specChanged),
		watch(w.cache, &v1alpha1.WebSocketPolicy{}, anyOf[*v1alpha1.WebSocketPolicy], specChanged),
		watch(w.cache, &v1alpha1.GatewayConfig{}, anyOf[*v1alpha1.GatewayConfig], specChanged),
		watch(w.cache, &corev1.Namespace{}, anyOf[*corev1.Namespace], namespaceChanged),
		watch(w.cache, &corev1.Service{}, func(s *corev1.Service) bool {
			return isManaged(s) || w.now().Service(client.ObjectKeyFromObject(s))
		}, serviceChanged),
		w.endpointSlices(),
		watch(w.cache, observer.SecretMetadata(), func(s client.Object) bool {
			return isManaged(s) || w.now().Secret(client.ObjectKeyFromObject(s))
		}, secretChanged),
		watch(w.cache, observer.ConfigMapMetadata(), func(c client.Object) bool {
			return w.now().ConfigMap(client.ObjectKeyFromObject(c))
		}, func(client.Object, client.Object) bool { return true }),
		watch(w.cache, observer.GatewayAPIMetadata(), anyOf[client.Object], specChanged),
		watch(w.cache, &appsv1.Deployment{}, anyOf[*appsv1.Deployment], specChanged),
		watch(w.cache, &corev1.ServiceAccount{}, anyOf[*corev1.ServiceAccount], specChanged),
		watch(w.cache, &corev1.Pod{}, anyOf[*corev1.Pod], podChanged),
		watch(w.cache, &corev1.Event{}, ofOurService, func(*corev1.Event, *corev1.Event) bool { return true }),
	}
}

// routes watches the routes of one kind.
func (w *watches) routes(kind client.Object) source.Source {
	return watch(w.cache, kind, func(o client.Object) bool {
		r, ok := snapshot.RouteOf(o)
		return ok && w.now().Route(r)
	}, routeChanged)
}

// endpointSlices watches the EndpointSlices of Services that routes of ours name.
// They make no work for the compiler: see endpointMover.
func (w *watches) endpointSlices() source.Source {
	matters := func(o client.Object) (*discoveryv1.EndpointSlice, bool) {
		s, ok := o.(*discoveryv1.EndpointSlice)
		return s, ok && w.now().Service(types.NamespacedName{Namespace: s.Namespace, Name: s.Labels[discoveryv1.LabelServiceName]})
	}
	return source.Kind[client.Object](w.cache, &discoveryv1.EndpointSlice{}, handler.Funcs{
		CreateFunc: func(_ context.Context, e event.CreateEvent, _ queue) {
			if s, ok := matters(e.Object); ok {
				w.endpoints.note(nil, s)
			}
		},
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, _ queue) {
			before, wasOurs := matters(e.ObjectOld)
			after, isOurs := matters(e.ObjectNew)
			if (wasOurs || isOurs) && sliceChanged(before, after) {
				w.endpoints.note(before, after)
			}
		},
		DeleteFunc: func(_ context.Context, e event.DeleteEvent, _ queue) {
			if s, ok := matters(e.Object); ok {
				w.endpoints.note(s, nil)
			}
		},
	})
}

// queue is where sources put work.
type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]

func (w *watches) now() observer.Interest {
	if i := w.interest.Load(); i != nil {
		return *i
	}
	return observer.Interest{}
}

// watch makes work of events about objects that matter, where the change does.
func watch[O client.Object](c cache.Cache, kind client.Object, matters func(O) bool, changed func(before, after O) bool) source.Source {
	typed := func(o client.Object) bool {
		object, ok := o.(O)
		return ok && matters(object)
	}
	enqueue := handler.EnqueueRequestsFromMapFunc(func(context.Context, client.Object) []reconcile.Request {
		return []reconcile.Request{world}
	})
	return source.Kind(c, kind, enqueue, predicate.Funcs{
		CreateFunc: func(e event.CreateEvent) bool { return typed(e.Object) },
		DeleteFunc: func(e event.DeleteEvent) bool { return typed(e.Object) },
		UpdateFunc: func(e event.UpdateEvent) bool {
			before, ok := e.ObjectOld.(O)
			after, okAfter := e.ObjectNew.(O)
			return ok && okAfter && (matters(before) || matters(after)) && changed(before, after)
		},
	})
}

func anyOf[O client.Object](O) bool { return true }

// ofOurService knows a Service of ours by its name; a foreign one of such a name
// costs a compilation.
func ofOurService(e *corev1.Event) bool {
	return strings.HasPrefix(e.InvolvedObject.Name, infra.NamePrefix)
}

// specChanged is for kinds whose status does not move the generation.
func specChanged[O client.Object](before, after O) bool {
	return before.GetGeneration() != after.GetGeneration() ||
		before.GetUID() != after.GetUID() ||
		before.GetDeletionTimestamp().IsZero() != after.GetDeletionTimestamp().IsZero() ||
		!maps.Equal(before.GetLabels(), after.GetLabels()) ||
		!maps.Equal(before.GetAnnotations(), after.GetAnnotations())
}

// routeChanged sees, beyond the spec, that someone has written status.parents
// without our entries.
func routeChanged(before, after client.Object) bool {
	was, _ := snapshot.RouteOf(before)
	is, _ := snapshot.RouteOf(after)
	return specChanged(before, after) || ours(is.Parents) < ours(was.Parents)
}

func ours(parents []gatewayv1.RouteParentStatus) int {
	n := 0
	for _, p := range parents {
		if p.ControllerName == v1alpha1.ControllerName {
			n++
		}
	}
	return n
}

func namespaceChanged(before, after *corev1.Namespace) bool {
	return !maps.Equal(before.Labels, after.Labels)
}

func serviceChanged(before, after *corev1.Service) bool {
	return specChanged(before, after) ||
		!equality.Semantic.DeepEqual(before.Spec, after.Spec) ||
		!equality.Semantic.DeepEqual(before.Status.LoadBalancer, after.Status.LoadBalancer)
}

func sliceChanged(before, after *discoveryv1.EndpointSlice) bool {
	const service = discoveryv1.LabelServiceName
	return before.Labels[service] != after.Labels[service] ||
		!equality.Semantic.DeepEqual(before.Endpoints, after.Endpoints) ||
		!equality.Semantic.DeepEqual(before.Ports, after.Ports)
}

// secretChanged passes over the bundles that the operator itself has just stored:
// it reads them when it starts, and no compilation depends on them.
func secretChanged(_, after client.Object) bool {
	return !isManaged(after) || !infra.IsBundleSecretName(after.GetName())
}

func podChanged(before, after *corev1.Pod) bool {
	return before.UID != after.UID || before.Status.PodIP != after.Status.PodIP ||
		isReady(before) != isReady(after) || before.Status.Phase != after.Status.Phase ||
		before.DeletionTimestamp.IsZero() != after.DeletionTimestamp.IsZero()
}

// trigger makes work from what is not an event of the cluster.
type trigger struct {
	mu    sync.Mutex
	queue workqueue.TypedRateLimitingInterface[reconcile.Request]
}

// Start implements source.Source.
func (t *trigger) Start(_ context.Context, q workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.queue = q
	return nil
}

// pull asks for a compilation. Before the controller has started there is no
// need: it begins with one.
func (t *trigger) pull() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.queue != nil {
		t.queue.Add(world)
	}
}
