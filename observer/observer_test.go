package observer_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/gateway-api/pkg/consts"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/snapshot"
	"github.com/gatewright/gatewright/observer"
)

func key(namespace, name string) types.NamespacedName {
	return types.NamespacedName{Namespace: namespace, Name: name}
}

func class(name, controller string) *gatewayv1.GatewayClass {
	c := &gatewayv1.GatewayClass{ObjectMeta: metav1.ObjectMeta{Name: name}}
	c.Spec.ControllerName = gatewayv1.GatewayController(controller)
	return c
}

// gateway has an HTTPS listener for the host, with the Secrets, or with none and
// the wish for one of cert-manager's.
func gateway(name, class, host string, secrets ...string) *gatewayv1.Gateway {
	g := &gatewayv1.Gateway{ObjectMeta: metav1.ObjectMeta{Namespace: "infra", Name: name}}
	if len(secrets) == 0 {
		g.Annotations = map[string]string{"cert-manager.io/cluster-issuer": "letsencrypt"}
	}
	g.Spec.GatewayClassName = gatewayv1.ObjectName(class)
	hostname := gatewayv1.Hostname(host)
	l := gatewayv1.Listener{Name: "tls", Port: 443, Protocol: gatewayv1.HTTPSProtocolType, Hostname: &hostname}
	for _, s := range secrets {
		if l.TLS == nil {
			l.TLS = &gatewayv1.ListenerTLSConfig{}
		}
		l.TLS.CertificateRefs = append(l.TLS.CertificateRefs, gatewayv1.SecretObjectReference{Name: gatewayv1.ObjectName(s)})
	}
	g.Spec.Listeners = []gatewayv1.Listener{l}
	return g
}

// listenerSet is one of namespace blog.
func listenerSet(name, gateway string) *gatewayv1.ListenerSet {
	set := &gatewayv1.ListenerSet{ObjectMeta: metav1.ObjectMeta{Namespace: "blog", Name: name}}
	set.Spec.ParentRef = gatewayv1.ParentGatewayReference{Name: gatewayv1.ObjectName(gateway), Namespace: new(gatewayv1.Namespace("infra"))}
	return set
}

func route(name, gateway, service string) *gatewayv1.HTTPRoute {
	r := &gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{Namespace: "blog", Name: name}}
	namespace := gatewayv1.Namespace("infra")
	r.Spec.ParentRefs = []gatewayv1.ParentReference{{Name: gatewayv1.ObjectName(gateway), Namespace: &namespace}}
	backend := gatewayv1.HTTPBackendRef{}
	backend.Name = gatewayv1.ObjectName(service)
	r.Spec.Rules = []gatewayv1.HTTPRouteRule{{BackendRefs: []gatewayv1.HTTPBackendRef{backend}}}
	return r
}

func tlsPolicy(service gatewayv1.ObjectName) *gatewayv1.BackendTLSPolicy {
	p := &gatewayv1.BackendTLSPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "blog", Name: "new"}}
	target := gatewayv1.LocalPolicyTargetReferenceWithSectionName{}
	target.Kind, target.Name = "Service", service
	p.Spec.TargetRefs = append(p.Spec.TargetRefs, target)
	return p
}

// asking has the Gateway ask clients for certificates of authorities in objects of
// the kind.
func asking(g *gatewayv1.Gateway, kind string, names ...string) *gatewayv1.Gateway {
	v := &gatewayv1.FrontendTLSValidation{}
	for _, name := range names {
		v.CACertificateRefs = append(v.CACertificateRefs, gatewayv1.ObjectReference{Kind: gatewayv1.Kind(kind), Name: gatewayv1.ObjectName(name)})
	}
	g.Spec.TLS = &gatewayv1.GatewayTLSConfig{Frontend: &gatewayv1.FrontendTLSConfig{
		PerPort: []gatewayv1.TLSPortConfig{{Port: 443, TLS: gatewayv1.TLSConfig{Validation: v}}},
	}}
	return g
}

func configMap(name string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "infra", Name: name}, Data: map[string]string{"ca.crt": name}}
}

func secret(name string) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "infra", Name: name}, Data: map[string][]byte{"tls.crt": []byte(name)}}
}

// cluster is an API server in memory, and the Secrets and ConfigMaps whose
// contents were read.
func cluster(objects ...client.Object) (client.WithWatch, *[]string) {
	read := new([]string)
	c := fake.NewClientBuilder().WithScheme(observer.Scheme()).WithObjects(objects...).WithInterceptorFuncs(interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, k client.ObjectKey, o client.Object, opts ...client.GetOption) error {
			switch o.(type) {
			case *corev1.Secret, *corev1.ConfigMap:
				*read = append(*read, k.Name)
			}
			return c.Get(ctx, k, o, opts...)
		},
	}).Build()
	return c, read
}

func homelab() []client.Object {
	return []client.Object{
		class("gatewright", v1alpha1.ControllerName), class("other", "example.org/controller"),
		gateway("home", "gatewright", "*.example.net"),
		gateway("named", "gatewright", "a.example.org", "mine", "missing"),
		gateway("foreign", "other", "b.example.org", "theirs"),
		route("web", "home", "web"), route("foreign", "foreign", "theirs"),
		secret("example-net-tls"), secret("mine"), secret("theirs"), secret("password"),
		&discoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{Namespace: "blog", Name: "web-1"}},
	}
}

func TestOnlySecretsThatOurGatewaysNameAreRead(t *testing.T) {
	t.Parallel()
	c, read := cluster(homelab()...)
	s, err := observer.New(c, c, nil).Observe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, secret := range s.Secrets.All() {
		names = append(names, secret.Name+"="+string(secret.Data["tls.crt"]))
	}
	if diff := cmp.Diff([]string{"example-net-tls=example-net-tls", "mine=mine"}, names); diff != "" {
		t.Errorf("Secrets in the snapshot (-want +got):\n%s", diff)
	}
	if len(*read) != 2 || s.SecretsUnknown {
		t.Errorf("read the values of %v; unknown: %v", *read, s.SecretsUnknown)
	}
	if s.Gateways.Len() != 3 || s.HTTPRoutes.Len() != 2 || s.EndpointSlices.Len() != 1 {
		t.Errorf("%d Gateways, %d routes, %d EndpointSlices", s.Gateways.Len(), s.HTTPRoutes.Len(), s.EndpointSlices.Len())
	}
}

func TestASecretIsReadOncePerVersion(t *testing.T) {
	t.Parallel()
	c, read := cluster(homelab()...)
	o := observer.New(c, c, nil)
	for range 3 {
		if _, err := o.Observe(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if len(*read) != 2 {
		t.Errorf("read %v in three rounds, want each once", *read)
	}
	renewed := secret("mine")
	renewed.Data["tls.crt"] = []byte("renewed")
	if err := c.Update(t.Context(), renewed); err != nil {
		t.Fatal(err)
	}
	s, err := o.Observe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := s.Secrets.Get("infra", "mine"); string(got.Data["tls.crt"]) != "renewed" {
		t.Errorf("got %q, want the renewed one", got.Data["tls.crt"])
	}
	if len(*read) != 3 {
		t.Errorf("read %v, want the renewed one again and no other", *read)
	}
}

func TestWithoutRightsSecretsAreUnknown(t *testing.T) {
	t.Parallel()
	c, read := cluster(homelab()...)
	s, err := observer.WithoutSecrets(c, nil).Observe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !s.SecretsUnknown || s.Secrets.Len() > 0 || len(*read) > 0 {
		t.Errorf("unknown: %v, %d Secrets, read %v", s.SecretsUnknown, s.Secrets.Len(), *read)
	}
}

func TestAuthoritiesThatOurGatewaysNameAreRead(t *testing.T) {
	t.Parallel()
	c, read := cluster(
		class("gatewright", v1alpha1.ControllerName), class("other", "example.org/controller"),
		asking(gateway("home", "gatewright", "a.example.net", "mine"), "ConfigMap", "house", "missing"),
		asking(gateway("guests", "gatewright", "b.example.net", "mine"), "Secret", "guests"),
		asking(gateway("foreign", "other", "c.example.net", "mine"), "ConfigMap", "theirs"),
		configMap("house"), configMap("theirs"), configMap("settings"), secret("guests"), secret("mine"),
	)
	o := observer.New(c, c, nil)
	s, err := o.Observe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if house, ok := s.ConfigMaps.Get("infra", "house"); !ok || s.ConfigMaps.Len() != 1 || house.Data["ca.crt"] != "house" {
		t.Errorf("%d ConfigMaps, with house: %v", s.ConfigMaps.Len(), ok)
	}
	if _, ok := s.Secrets.Get("infra", "guests"); !ok {
		t.Error("without the Secret guests")
	}
	if diff := cmp.Diff([]string{"guests", "house", "mine"}, slices.Sorted(slices.Values(*read))); diff != "" {
		t.Errorf("contents read (-want +got):\n%s", diff)
	}
	i, err := o.Interest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"house": true, "missing": true, "theirs": false, "settings": false} {
		if i.ConfigMap(key("infra", name)) != want {
			t.Errorf("interest in ConfigMap %s: %v", name, !want)
		}
	}
}

func TestInterest(t *testing.T) {
	t.Parallel()
	c, _ := cluster(append(homelab(), listenerSet("own", "home"), listenerSet("theirs", "foreign"))...)
	i, err := observer.New(c, c, nil).Interest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	atSet := func(name string) snapshot.Route {
		r := route("new", name, "x")
		r.Spec.ParentRefs[0].Kind, r.Spec.ParentRefs[0].Namespace = new(gatewayv1.Kind("ListenerSet")), nil
		return common(r)
	}
	left := route("left", "foreign", "web")
	left.Status.Parents = []gatewayv1.RouteParentStatus{{ControllerName: v1alpha1.ControllerName}}
	leftPolicy := tlsPolicy("theirs")
	leftPolicy.Status.Ancestors = []gatewayv1.PolicyAncestorStatus{{ControllerName: v1alpha1.ControllerName}}
	grant := func(namespace string) *gatewayv1.ReferenceGrant {
		return &gatewayv1.ReferenceGrant{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "new"}}
	}
	tests := map[string]struct{ got, want bool }{
		"a Gateway of our class":                        {i.Gateway(gateway("new", "gatewright", "x")), true},
		"a Gateway of another class":                    {i.Gateway(gateway("new", "other", "x")), false},
		"a Gateway of ours that has gone over":          {i.Gateway(gateway("home", "other", "x")), true},
		"a route to a Gateway of ours":                  {i.Route(common(route("new", "home", "x"))), true},
		"a route to another's Gateway":                  {i.Route(common(route("new", "foreign", "x"))), false},
		"a route to a ListenerSet of ours":              {i.Route(atSet("own")), true},
		"a route to another's ListenerSet":              {i.Route(atSet("theirs")), false},
		"a route to a Gateway of a ListenerSet's name":  {i.Route(common(route("new", "own", "x"))), false},
		"a route that has left, with our word":          {i.Route(common(left)), true},
		"a ListenerSet of a Gateway of ours":            {i.ListenerSet(listenerSet("new", "home")), true},
		"a ListenerSet of another's Gateway":            {i.ListenerSet(listenerSet("theirs", "foreign")), false},
		"a ListenerSet of ours that has gone over":      {i.ListenerSet(listenerSet("own", "foreign")), true},
		"a policy of a Service of ours":                 {i.BackendTLSPolicy(tlsPolicy("web")), true},
		"a policy of another's Service":                 {i.BackendTLSPolicy(tlsPolicy("theirs")), false},
		"a policy that has left, with our word":         {i.BackendTLSPolicy(leftPolicy), true},
		"a grant where a Service of ours is":            {i.ReferenceGrant(grant("blog")), true},
		"a grant where a Secret of ours is":             {i.ReferenceGrant(grant("infra")), true},
		"a grant where nothing of ours is":              {i.ReferenceGrant(grant("elsewhere")), false},
		"a Service that a route of ours names":          {i.Service(key("blog", "web")), true},
		"a Service that only another's route names":     {i.Service(key("blog", "theirs")), false},
		"a Secret that a listener names":                {i.Secret(key("infra", "mine")), true},
		"a Secret that a listener names and is missing": {i.Secret(key("infra", "missing")), true},
		"a Secret that a listener gets by default":      {i.Secret(key("infra", "example-net-tls")), true},
		"a Secret of another's Gateway":                 {i.Secret(key("infra", "theirs")), false},
		"a Secret that nobody names":                    {i.Secret(key("infra", "password")), false},
	}
	for name, test := range tests {
		if test.got != test.want {
			t.Errorf("%s: of interest: %v, want %v", name, test.got, test.want)
		}
	}
}

func TestTheVersionOfTheGatewayAPIIsRead(t *testing.T) {
	t.Parallel()
	crd := observer.GatewayAPIMetadata()
	crd.Name = observer.GatewayAPIName
	crd.Annotations = map[string]string{consts.BundleVersionAnnotation: "v1.6.1", consts.ChannelAnnotation: "standard"}
	kept, err := observer.CacheOptions().DefaultTransform(crd.DeepCopy())
	if err != nil {
		t.Fatal(err)
	}
	object, ok := kept.(client.Object)
	if !ok {
		t.Fatalf("the cache keeps a %T", kept)
	}
	c, _ := cluster(append(homelab(), object)...)
	s, err := observer.New(c, c, nil).Observe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&snapshot.GatewayAPI{Version: "v1.6.1", Channel: "standard"}, s.GatewayAPI); diff != "" {
		t.Errorf("installed (-want +got):\n%s", diff)
	}
}

func TestTrimmingKeepsWhatCountsAndDropsTheBallast(t *testing.T) {
	t.Parallel()
	meta := metav1.ObjectMeta{
		Name: "x", Labels: map[string]string{"a": "b"},
		Annotations:   map[string]string{corev1.LastAppliedConfigAnnotation: "{}", "cert-manager.io/issuer": "i"},
		ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kubectl"}},
	}
	trim := observer.CacheOptions().DefaultTransform
	out, err := trim(&gatewayv1.Gateway{ObjectMeta: *meta.DeepCopy()})
	if err != nil {
		t.Fatal(err)
	}
	want := &gatewayv1.Gateway{ObjectMeta: metav1.ObjectMeta{
		Name: "x", Labels: map[string]string{"a": "b"}, Annotations: map[string]string{"cert-manager.io/issuer": "i"},
	}}
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("trimmed Gateway (-want +got):\n%s", diff)
	}
	node, ready := "node1", true
	out, err = trim(&discoveryv1.EndpointSlice{Endpoints: []discoveryv1.Endpoint{{
		Addresses: []string{"10.0.0.1"}, Conditions: discoveryv1.EndpointConditions{Ready: &ready},
		NodeName: &node, TargetRef: &corev1.ObjectReference{Name: "pod"},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	slice := &discoveryv1.EndpointSlice{Endpoints: []discoveryv1.Endpoint{{
		Addresses: []string{"10.0.0.1"}, Conditions: discoveryv1.EndpointConditions{Ready: &ready},
	}}}
	if diff := cmp.Diff(slice, out); diff != "" {
		t.Errorf("trimmed EndpointSlice (-want +got):\n%s", diff)
	}
}

func common(r *gatewayv1.HTTPRoute) snapshot.Route {
	route, _ := snapshot.RouteOf(r)
	return route
}
