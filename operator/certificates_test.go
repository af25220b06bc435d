package operator

import (
	"strings"
	"testing"
	"time"

	acmev1 "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmetav1 "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/infra"
	"github.com/gatewright/gatewright/observer"
)

var certificateKey = client.ObjectKey{Namespace: homeKey.Namespace, Name: "example-net-tls"}

// issuingLab is the homelab with an HTTPS listener that cert-manager is asked
// for a certificate for.
func issuingLab(t *testing.T) *fakeCluster {
	t.Helper()
	f := homelab(t)
	g := &gatewayv1.Gateway{}
	f.get(t, homeKey, g)
	hostname := gatewayv1.Hostname("*.example.net")
	g.Annotations = map[string]string{"cert-manager.io/cluster-issuer": "letsencrypt"}
	g.Spec.Listeners = append(g.Spec.Listeners, gatewayv1.Listener{
		Name: "tls", Port: 443, Protocol: gatewayv1.HTTPSProtocolType, Hostname: &hostname,
		TLS: &gatewayv1.ListenerTLSConfig{CertificateRefs: []gatewayv1.SecretObjectReference{{Name: gatewayv1.ObjectName(certificateKey.Name)}}},
	})
	if err := f.client.Update(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	return f
}

// shimCertificate is what cert-manager's gateway-shim would make.
func shimCertificate(names ...string) *cmv1.Certificate {
	c := &cmv1.Certificate{ObjectMeta: ownedBy("1", certificateKey.Name)}
	c.Labels = nil
	c.Spec.SecretName, c.Spec.DNSNames = certificateKey.Name, names
	c.Spec.IssuerRef = cmmetav1.IssuerReference{Group: "cert-manager.io", Kind: "ClusterIssuer", Name: "letsencrypt"}
	return c
}

// clockedRig is a rig at whose clock the test turns.
type clockedRig struct {
	*rig
	now time.Time
}

func newClockedRig(t *testing.T, f *fakeCluster) *clockedRig {
	t.Helper()
	r := &clockedRig{rig: newRig(t, f, startStandIn(t, f, "").port), now: time.Now()}
	r.awaited = newAwaited(func() time.Time { return r.now })
	return r
}

// reconcile goes through all once, and returns when it is to be done again.
func (r *clockedRig) reconcile(t *testing.T) time.Duration {
	t.Helper()
	result, err := r.Reconcile(t.Context(), world)
	if err != nil {
		t.Fatal(err)
	}
	return result.RequeueAfter
}

// certificate is the one in the cluster; nil if there is none.
func (r *clockedRig) certificate(t *testing.T) *cmv1.Certificate {
	t.Helper()
	c := &cmv1.Certificate{}
	err := r.fake.client.Get(t.Context(), certificateKey, c)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// listeners replaces what the Gateway has by HTTPS listeners for the hostnames,
// all with the one Secret.
func (r *clockedRig) listeners(t *testing.T, hostnames ...gatewayv1.Hostname) {
	t.Helper()
	g := &gatewayv1.Gateway{}
	r.fake.get(t, homeKey, g)
	g.Generation++
	g.Spec.Listeners = g.Spec.Listeners[:1]
	for _, h := range hostnames {
		g.Spec.Listeners = append(g.Spec.Listeners, gatewayv1.Listener{
			Name: gatewayv1.SectionName("l" + strings.Trim(strings.ReplaceAll(string(h), ".", "-"), "*-")), Port: 443, Protocol: gatewayv1.HTTPSProtocolType, Hostname: &h,
			TLS: &gatewayv1.ListenerTLSConfig{CertificateRefs: []gatewayv1.SecretObjectReference{{Name: gatewayv1.ObjectName(certificateKey.Name)}}},
		})
	}
	if err := r.fake.client.Update(t.Context(), g); err != nil {
		t.Fatal(err)
	}
}

func TestTheShimHasItsTimeBeforeTheOperatorMakesACertificate(t *testing.T) {
	t.Parallel()
	r := newClockedRig(t, issuingLab(t))
	if again := r.reconcile(t); again != shimGrace {
		t.Errorf("looked at again after %s, want %s", again, shimGrace)
	}
	r.now = r.now.Add(shimGrace - time.Second)
	if again := r.reconcile(t); again != time.Second || r.certificate(t) != nil {
		t.Errorf("looked at again after %s, Certificate %v", again, r.certificate(t))
	}
	r.now = r.now.Add(time.Second)
	r.reconcile(t)
	c := r.certificate(t)
	if c == nil {
		t.Fatal("no Certificate is made")
	}
	if metav1.GetControllerOf(c) != nil || len(c.OwnerReferences) != 1 || c.OwnerReferences[0].UID != "1" {
		t.Errorf("owners %+v", c.OwnerReferences)
	}
	if diff := cmp.Diff([]string{"*.example.net"}, c.Spec.DNSNames); diff != "" || c.Spec.SecretName != certificateKey.Name {
		t.Errorf("Secret %s, names (-want +got):\n%s", c.Spec.SecretName, diff)
	}
	r.fake.written()
	if r.reconcile(t); len(r.fake.written()) > 0 {
		t.Error("it is written again, though nothing has changed")
	}
	// What is ours needs no more waiting.
	r.listeners(t, "*.example.net", "example.net")
	r.reconcile(t)
	if diff := cmp.Diff([]string{"*.example.net", "example.net"}, r.certificate(t).Spec.DNSNames); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

func TestTheShimsCertificateStaysTheShimsWhileItIsRight(t *testing.T) {
	t.Parallel()
	f := issuingLab(t)
	if err := f.client.Create(t.Context(), shimCertificate("*.example.net")); err != nil {
		t.Fatal(err)
	}
	r := newClockedRig(t, f)
	r.reconcile(t)
	r.now = r.now.Add(time.Hour)
	r.reconcile(t)
	if metav1.GetControllerOf(r.certificate(t)) == nil {
		t.Error("the Gateway no longer controls it")
	}
	r.listeners(t, "*.example.net", "example.net")
	if again := r.reconcile(t); again != shimGrace || len(r.certificate(t).Spec.DNSNames) != 1 {
		t.Errorf("looked at again after %s, names %v", again, r.certificate(t).Spec.DNSNames)
	}
	// The shim is off.
	r.now = r.now.Add(shimGrace)
	r.reconcile(t)
	c := r.certificate(t)
	if len(c.Spec.DNSNames) != 2 || metav1.GetControllerOf(c) != nil || len(c.OwnerReferences) != 1 || !isManaged(c) {
		t.Errorf("names %v, owners %+v, labels %v", c.Spec.DNSNames, c.OwnerReferences, c.Labels)
	}
}

func TestACertificateOfAUserIsLeftAlone(t *testing.T) {
	t.Parallel()
	f := issuingLab(t)
	own := shimCertificate("other.example.net")
	own.OwnerReferences = nil
	if err := f.client.Create(t.Context(), own); err != nil {
		t.Fatal(err)
	}
	r := newClockedRig(t, f)
	for range 3 {
		r.reconcile(t)
		r.now = r.now.Add(time.Hour)
	}
	if diff := cmp.Diff([]string{"other.example.net"}, r.certificate(t).Spec.DNSNames); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

func TestOnlyOurCertificatesGoWithTheListener(t *testing.T) {
	t.Parallel()
	ours := shimCertificate("*.example.net")
	no := false
	ours.OwnerReferences[0].Controller = &no
	ours.Labels = map[string]string{infra.LabelManagedBy: infra.ManagedBy, "gatewright.dev/generated": "true"}
	users := shimCertificate("*.example.net")
	users.OwnerReferences = nil
	gone := ours.DeepCopy()
	gone.OwnerReferences[0].UID = "0"
	tests := map[string]struct {
		there     *cmv1.Certificate
		listeners []gatewayv1.Hostname
		config    string
		stays     bool
	}{
		"ours goes":                                         {there: ours},
		"ours stays while a listener needs it":              {there: ours, listeners: []gatewayv1.Hostname{"*.example.net"}, stays: true},
		"the shim's is the shim's to delete":                {there: shimCertificate("*.example.net"), stays: true},
		"a user's stays":                                    {there: users, stays: true},
		"that of a deleted Gateway is left to the API":      {there: gone, stays: true},
		"ours stays while the Gateway is not even accepted": {there: ours, config: "missing", stays: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := issuingLab(t)
			if err := f.client.Create(t.Context(), test.there.DeepCopy()); err != nil {
				t.Fatal(err)
			}
			r := newClockedRig(t, f)
			r.listeners(t, test.listeners...)
			if test.config != "" {
				g := &gatewayv1.Gateway{}
				f.get(t, homeKey, g)
				g.Spec.Infrastructure = &gatewayv1.GatewayInfrastructure{ParametersRef: &gatewayv1.LocalParametersReference{
					Group: "gatewright.dev", Kind: "GatewayConfig", Name: test.config,
				}}
				if err := f.client.Update(t.Context(), g); err != nil {
					t.Fatal(err)
				}
			}
			r.reconcile(t)
			if stays := r.certificate(t) != nil; stays != test.stays {
				t.Errorf("it is there: %v, want %v", stays, test.stays)
			}
		})
	}
}

func TestWithoutCertManagerAllElseGoesOn(t *testing.T) {
	t.Parallel()
	f := issuingLab(t)
	r := newClockedRig(t, f)
	absent := observer.NewCertManager(observer.CertManagerOptions{Kinds: observer.IssuingKinds(), Scheme: f.scheme, Discovery: unknownKinds{}})
	go func() { _ = absent.Start(t.Context()) }()
	r.observer = observer.New(f.client, f.client, absent)
	r.reconcile(t)
	r.now = r.now.Add(shimGrace)
	want := "Certificate example-net-tls cannot be issued: ClusterIssuer letsencrypt is not there, as cert-manager is not installed"
	r.until(t, "the HTTP listener served, and the other's words", func() bool {
		g := &gatewayv1.Gateway{}
		f.get(t, homeKey, g)
		if len(g.Status.Listeners) != 2 || !r.fleet.Report(homeKey).Applied {
			return false
		}
		c := find(g.Status.Listeners[1].Conditions, "ResolvedRefs")
		return c != nil && c.Message == want
	})
	if r.certificate(t) != nil {
		t.Error("a Certificate is made in a cluster that does not know the kind")
	}
}

// unknownKinds is an API server without cert-manager.
type unknownKinds struct{}

func (unknownKinds) ServerResourcesForGroupVersion(string) (*metav1.APIResourceList, error) {
	return nil, apierrors.NewGenericServerResponse(404, "get", cmv1.Resource(""), "", "", 0, true)
}

func TestWhatCertManagerDoesElsewhereCausesNoWork(t *testing.T) {
	t.Parallel()
	f := issuingLab(t)
	interest, err := observer.New(f.client, f.client, nil).Interest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w := &watches{}
	w.interest.Store(&interest)
	certificate := shimCertificate("a.example.net")
	touched := certificate.DeepCopy()
	touched.ResourceVersion = "2"
	ready := certificate.DeepCopy()
	ready.Status.Conditions = []cmv1.CertificateCondition{{Type: cmv1.CertificateConditionReady, Status: cmmetav1.ConditionTrue}}
	another := certificate.DeepCopy()
	another.Spec.SecretName = "mail-tls"
	order := &acmev1.Order{ObjectMeta: metav1.ObjectMeta{Namespace: homeKey.Namespace}}
	elsewhere := &acmev1.Order{ObjectMeta: metav1.ObjectMeta{Namespace: "mail"}}
	issuer := &cmv1.ClusterIssuer{}
	failed := issuer.DeepCopy()
	failed.Status.Conditions = []cmv1.IssuerCondition{{Type: cmv1.IssuerConditionReady, Status: cmmetav1.ConditionFalse}}
	tests := map[string]struct {
		before, after client.Object
		want          bool
	}{
		"cert-manager comes":                        {want: true},
		"a Certificate for a listener's Secret":     {after: certificate, want: true},
		"it is gone":                                {before: certificate, want: true},
		"it is written, and nothing has changed":    {before: certificate, after: touched},
		"it is ready":                               {before: certificate, after: ready, want: true},
		"a Certificate for another Secret":          {after: another},
		"an Order beside a Gateway":                 {after: order, want: true},
		"an Order in another namespace":             {after: elsewhere},
		"an issuer fails":                           {before: issuer, after: failed, want: true},
		"an issuer is written, and nothing changed": {before: issuer, after: issuer.DeepCopy()},
	}
	for name, test := range tests {
		if got := w.issuingChanged(test.before, test.after); got != test.want {
			t.Errorf("%s: worth a compilation: %v, want %v", name, got, test.want)
		}
	}
}
