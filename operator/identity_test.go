package operator

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/compiler/infra"
)

const day = 24 * time.Hour

// identitiesAt has a clock that the test sets.
func identitiesAt(f *fakeCluster, clock *time.Time) *identities {
	i := newIdentities(f.cluster, "system")
	i.now = func() time.Time { return *clock }
	return i
}

func gatewayWithUID(uid types.UID) *gatewayv1.Gateway {
	return &gatewayv1.Gateway{ObjectMeta: metav1.ObjectMeta{Namespace: "infra", Name: "home", UID: uid}}
}

func identitySecret(t *testing.T, f *fakeCluster) *corev1.Secret {
	t.Helper()
	s := &corev1.Secret{}
	f.get(t, client.ObjectKey{Namespace: "infra", Name: infra.IdentitySecretName(homeKey)}, s)
	return s
}

func TestTheIdentityOfAGatewayIsMadeOnceAndRenewedInTime(t *testing.T) {
	t.Parallel()
	f := newFakeCluster(t)
	clock := time.Now()
	i := identitiesAt(f, &clock)
	g := gatewayWithUID("1")
	ensure := func(after time.Duration) *corev1.Secret {
		clock = clock.Add(after)
		if err := i.ensure(t.Context(), g); err != nil {
			t.Fatal(err)
		}
		return identitySecret(t, f)
	}
	first := ensure(0)
	if same := ensure(200 * day); same.ResourceVersion != first.ResourceVersion {
		t.Error("renewed before two thirds of its validity")
	}
	second := ensure(50 * day)
	if string(second.Data[corev1.TLSCertKey]) == string(first.Data[corev1.TLSCertKey]) {
		t.Error("not renewed after two thirds of its validity")
	}
	if !metav1.IsControlledBy(second, g) || !isManaged(second) {
		t.Errorf("metadata %+v: it does not go with the Gateway", second.ObjectMeta)
	}
}

func TestANewAuthorityIssuesAllIdentitiesAnew(t *testing.T) {
	t.Parallel()
	f := newFakeCluster(t)
	clock := time.Now()
	i := identitiesAt(f, &clock)
	g := gatewayWithUID("1")
	for range 2 {
		if err := i.ensure(t.Context(), g); err != nil {
			t.Fatal(err)
		}
	}
	old := identitySecret(t, f)
	clock = clock.Add(7 * 365 * day)
	if err := i.ensure(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	renewed := identitySecret(t, f)
	if string(renewed.Data[authorityKey]) == string(old.Data[authorityKey]) {
		t.Error("the identity is still by the old authority")
	}
	authority, err := i.load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(authority.Pair().Certificate), string(renewed.Data[authorityKey])); diff != "" {
		t.Errorf("trusted authority (-operator's +pod's):\n%s", diff)
	}
}

func TestAReplicaThatComesLaterUsesTheSameAuthority(t *testing.T) {
	t.Parallel()
	f := newFakeCluster(t)
	clock := time.Now()
	first, err := identitiesAt(f, &clock).load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	second, err := identitiesAt(f, &clock).load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first.Pair(), second.Pair()); diff != "" {
		t.Errorf("another authority (-first +second):\n%s", diff)
	}
	if writes := f.written(); len(writes) != 1 {
		t.Errorf("writes %v, want one", writes)
	}
}

func TestOfReplicasThatMakeAnAuthorityAtOnceTheFirstWins(t *testing.T) {
	t.Parallel()
	f := newFakeCluster(t)
	clock := time.Now()
	late := identitiesAt(f, &clock)
	winner, err := identitiesAt(f, &clock).load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// What the late one does when it has looked before the winner wrote.
	authority, err := late.found(t.Context(), &corev1.Secret{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(winner.Pair(), authority.Pair()); diff != "" {
		t.Errorf("another authority (-winner +late):\n%s", diff)
	}
}

func TestASecretOfSomeoneElseIsNoIdentity(t *testing.T) {
	t.Parallel()
	f := newFakeCluster(t, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{
		Namespace: "infra", Name: infra.IdentitySecretName(homeKey), UID: "theirs",
	}})
	clock := time.Now()
	if err := identitiesAt(f, &clock).ensure(t.Context(), gatewayWithUID("1")); !errors.Is(err, errForeign) {
		t.Errorf("got %v, want %v", err, errForeign)
	}
}

func TestOperatorAndPodProveThemselvesToEachOther(t *testing.T) {
	t.Parallel()
	f := newFakeCluster(t)
	clock := time.Now()
	i := identitiesAt(f, &clock)
	g := gatewayWithUID("1")
	if err := i.ensure(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	secret := identitySecret(t, f)
	pod, err := tls.X509KeyPair(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey])
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(secret.Data[authorityKey]) {
		t.Fatal("the identity comes without the authority")
	}
	verify := func(name string, chain tls.Certificate, pool *x509.CertPool, usage x509.ExtKeyUsage) error {
		_, err := chain.Leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: pool, KeyUsages: []x509.ExtKeyUsage{usage}})
		return err
	}
	toward := i.toward(serverName(g))
	own, err := toward.GetClientCertificate(&tls.CertificateRequestInfo{})
	if err != nil {
		t.Fatal(err)
	}
	if err := verify(bundle.OperatorIdentity, *own, roots, x509.ExtKeyUsageClientAuth); err != nil {
		t.Errorf("the pod does not take the operator: %v", err)
	}
	if err := verify(toward.ServerName, pod, toward.RootCAs, x509.ExtKeyUsageServerAuth); err != nil {
		t.Errorf("the operator does not take the pod: %v", err)
	}
	if verify(serverName(gatewayWithUID("2")), pod, toward.RootCAs, x509.ExtKeyUsageServerAuth) == nil {
		t.Error("the pod passes for one of another Gateway")
	}
	if verify(bundle.OperatorIdentity, pod, roots, x509.ExtKeyUsageClientAuth) == nil {
		t.Error("the pod passes for the operator")
	}
}

func TestTheWebhookIsTrustedByWhatItServes(t *testing.T) {
	t.Parallel()
	validating := &admissionv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: "gatewright"},
		Webhooks:   []admissionv1.ValidatingWebhook{{Name: "a"}, {Name: "b"}},
	}
	f := newFakeCluster(t, validating)
	clock := time.Now()
	w := &webhookCertificate{
		cluster: f.cluster, namespace: "system", identities: identitiesAt(f, &clock),
		options: WebhookCertificate{Enabled: true, Secret: "tls", Service: "hook", Configuration: "gatewright"},
	}
	for range 2 {
		if _, err := w.Reconcile(t.Context(), reconcile.Request{}); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"create", "apply", "patch"}, f.written()); diff != "" {
		t.Errorf("writes of two rounds (-want +got):\n%s", diff)
	}
	secret := &corev1.Secret{}
	f.get(t, client.ObjectKey{Namespace: "system", Name: "tls"}, secret)
	served, err := tls.X509KeyPair(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey])
	if err != nil {
		t.Fatal(err)
	}
	f.get(t, client.ObjectKey{Name: "gatewright"}, validating)
	for _, hook := range validating.Webhooks {
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(hook.ClientConfig.CABundle)
		if _, err := served.Leaf.Verify(x509.VerifyOptions{DNSName: "hook.system.svc", Roots: roots}); err != nil {
			t.Errorf("webhook %s: %v", hook.Name, err)
		}
	}
}
