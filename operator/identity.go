package operator

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	corev1apply "k8s.io/client-go/applyconfigurations/core/v1"
	metav1apply "k8s.io/client-go/applyconfigurations/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/compiler/infra"
	"github.com/gatewright/gatewright/observer"
	"github.com/gatewright/gatewright/operator/pki"
)

const (
	// authoritySecret holds the certificate authority, in the operator's
	// namespace.
	authoritySecret = "gatewright-authority"
	// serverValidity is long enough for an operator that was away for months.
	serverValidity = 365 * 24 * time.Hour
	// clientValidity is short, as the operator's own certificate never leaves
	// its memory.
	clientValidity = 24 * time.Hour
	// authorityKey is the key of a Secret under which the trusted authority is.
	authorityKey = "ca.crt"
)

// identities keeps the certificate authority, and a certificate for the pods of
// each Gateway.
type identities struct {
	cluster
	namespace string
	now       func() time.Time

	mu        sync.Mutex
	authority *pki.Authority
	client    *tls.Certificate
	renew     time.Time
	known     map[types.NamespacedName]identity
}

// identity is what is known of a Secret that was found good.
type identity struct {
	resourceVersion string
	server          string
	renew           time.Time
}

func newIdentities(c cluster, namespace string) *identities {
	return &identities{cluster: c, namespace: namespace, now: time.Now, known: map[types.NamespacedName]identity{}}
}

// serverName is the DNS name in the certificate of a Gateway's pods. A Gateway
// that is deleted and made again is another one.
func serverName(g *gatewayv1.Gateway) string {
	sum := sha256.Sum256([]byte(g.Namespace + "/" + g.Name + "/" + string(g.UID)))
	return hex.EncodeToString(sum[:16]) + ".dataplane.gatewright.dev"
}

// load reads the authority, or makes it once. Of several replicas that try, the
// first one's counts.
func (i *identities) load(ctx context.Context) (*pki.Authority, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	now := i.now()
	if i.authority != nil && now.Before(i.authority.RenewAt()) {
		return i.authority, nil
	}
	key := types.NamespacedName{Namespace: i.namespace, Name: authoritySecret}
	secret := &corev1.Secret{}
	err := i.live.Get(ctx, key, secret)
	if client.IgnoreNotFound(err) != nil {
		return nil, fmt.Errorf("read the certificate authority: %w", err)
	}
	if err == nil {
		authority, err := pki.ParseAuthority(pairOf(secret))
		if err != nil {
			return nil, fmt.Errorf("read the certificate authority in Secret %s: %w", key, err)
		}
		if now.Before(authority.RenewAt()) {
			return i.use(authority), nil
		}
	}
	authority, err := i.found(ctx, secret)
	if err != nil {
		return nil, fmt.Errorf("make the certificate authority: %w", err)
	}
	return i.use(authority), nil
}

// found makes a new authority and stores it, in place of the old one if there
// is one. All identities are issued anew then; pods serve on meanwhile.
func (i *identities) found(ctx context.Context, old *corev1.Secret) (*pki.Authority, error) {
	authority, err := pki.NewAuthority("gatewright", i.now())
	if err != nil {
		return nil, err
	}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: i.namespace, Name: authoritySecret,
			Labels: map[string]string{infra.LabelManagedBy: infra.ManagedBy},
		},
		Type: corev1.SecretTypeTLS,
		Data: dataOf(authority.Pair()),
	}
	if old.ResourceVersion != "" {
		secret.ResourceVersion = old.ResourceVersion
		err = i.writer.Update(ctx, secret, owner)
	} else {
		err = i.writer.Create(ctx, secret, owner)
	}
	if apierrors.IsAlreadyExists(err) || apierrors.IsConflict(err) {
		winner := &corev1.Secret{}
		if err := i.live.Get(ctx, client.ObjectKeyFromObject(secret), winner); err != nil {
			return nil, err
		}
		return pki.ParseAuthority(pairOf(winner))
	}
	return authority, err
}

// use needs the lock. What another authority has issued is no longer good.
func (i *identities) use(a *pki.Authority) *pki.Authority {
	i.authority, i.client = a, nil
	clear(i.known)
	return a
}

// ensure makes the Secret with the identity of the Gateway's pods, or renews it.
func (i *identities) ensure(ctx context.Context, g *gatewayv1.Gateway) error {
	authority, err := i.load(ctx)
	if err != nil {
		return err
	}
	gateway := client.ObjectKeyFromObject(g)
	key := types.NamespacedName{Namespace: g.Namespace, Name: infra.IdentitySecretName(gateway)}
	metadata := observer.SecretMetadata()
	if err := i.cached.Get(ctx, key, metadata); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("read Secret %s: %w", key, err)
	}
	i.mu.Lock()
	known, ok := i.known[key]
	i.mu.Unlock()
	if ok && known.server == serverName(g) && known.resourceVersion == metadata.ResourceVersion && i.now().Before(known.renew) {
		return nil
	}
	secret := &corev1.Secret{}
	if err := i.live.Get(ctx, key, secret); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("read Secret %s: %w", key, err)
	}
	if secret.UID != "" && !metav1.IsControlledBy(secret, g) {
		return fmt.Errorf("make the identity in Secret %s: %w", key, errForeign)
	}
	request := pki.Request{DNSNames: []string{serverName(g)}, Usage: x509.ExtKeyUsageServerAuth, Now: i.now(), Validity: serverValidity}
	renew, err := authority.Check(pairOf(secret), request)
	if err == nil && i.now().Before(renew) && string(secret.Data[authorityKey]) == string(authority.Pair().Certificate) {
		i.remember(key, identity{secret.ResourceVersion, request.DNSNames[0], renew})
		return nil
	}
	pair, err := authority.Issue(request)
	if err != nil {
		return err
	}
	data := dataOf(pair)
	data[authorityKey] = authority.Pair().Certificate
	apply := ownedSecret(g, key.Name).WithType(corev1.SecretTypeTLS).WithData(data)
	if err := i.writer.Apply(ctx, apply, owner, client.ForceOwnership); err != nil {
		return fmt.Errorf("write Secret %s: %w", key, err)
	}
	return nil
}

func (i *identities) remember(key types.NamespacedName, known identity) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.known[key] = known
}

// toward is the TLS configuration for the pods of the server name: none but
// them is trusted, and they trust none but the operator.
func (i *identities) toward(server string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		ServerName: server,
		RootCAs:    i.roots(),
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return i.own()
		},
	}
}

// roots trusts nobody before the authority is known.
func (i *identities) roots() *x509.CertPool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.authority == nil {
		return x509.NewCertPool()
	}
	return i.authority.Pool()
}

// own is the operator's certificate, issued anew two thirds through.
func (i *identities) own() (*tls.Certificate, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.authority == nil {
		return &tls.Certificate{}, nil
	}
	if i.client != nil && i.now().Before(i.renew) {
		return i.client, nil
	}
	pair, err := i.authority.Issue(pki.Request{
		DNSNames: []string{bundle.OperatorIdentity}, Usage: x509.ExtKeyUsageClientAuth, Now: i.now(), Validity: clientValidity,
	})
	if err != nil {
		return nil, err
	}
	certificate, err := tls.X509KeyPair(pair.Certificate, pair.Key)
	if err != nil {
		return nil, fmt.Errorf("read the operator's certificate: %w", err)
	}
	i.client, i.renew = &certificate, i.now().Add(clientValidity/3*2)
	return i.client, nil
}

func pairOf(s *corev1.Secret) pki.Pair {
	return pki.Pair{Certificate: s.Data[corev1.TLSCertKey], Key: s.Data[corev1.TLSPrivateKeyKey]}
}

func dataOf(p pki.Pair) map[string][]byte {
	return map[string][]byte{corev1.TLSCertKey: p.Certificate, corev1.TLSPrivateKeyKey: p.Key}
}

// ownedSecret is a Secret that goes with the Gateway.
func ownedSecret(g *gatewayv1.Gateway, name string) *corev1apply.SecretApplyConfiguration {
	return corev1apply.Secret(name, g.Namespace).
		WithLabels(infra.PodLabels(client.ObjectKeyFromObject(g))).
		WithOwnerReferences(metav1apply.OwnerReference().
			WithAPIVersion(gatewayv1.GroupVersion.String()).WithKind("Gateway").
			WithName(g.Name).WithUID(g.UID).
			WithController(true).WithBlockOwnerDeletion(true))
}
