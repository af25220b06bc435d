package graph

import (
	"slices"
	"strings"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmetav1 "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/diagnostic"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

// Maker is who makes the Certificate of an Issuance.
type Maker int

const (
	// MadeElsewhere says that a user made the Certificate or the Secret: it stays so.
	MadeElsewhere Maker = iota
	// MadeByShim says that cert-manager's gateway-shim makes the Certificate and
	// keeps it.
	MadeByShim
	// MadeHere says that the operator makes the Certificate.
	MadeHere
)

// Issuance is a certificate that listeners need and that cert-manager is to
// issue. Certificate and Secret have one name, as with the gateway-shim: so
// there is never more than one Certificate for a Secret, whoever made it.
type Issuance struct {
	// Key of the Certificate and of the Secret.
	Key types.NamespacedName
	// DNSNames in the order of the listeners, each once; never empty.
	DNSNames []string
	Issuer   cmmetav1.IssuerReference
	// Owners of the listeners that need it. The first has the issuer, and the
	// annotations that cert-manager reads.
	Owners []ListenerOwner
	Maker  Maker
	// Awaited says that the gateway-shim has yet to make the Certificate, or to
	// change it. If it does not in good time, the operator does.
	Awaited bool
}

// need is a listener that names a Secret.
type need struct {
	listener *Listener
	names    []string
}

// issuances are what listeners need from cert-manager, and what it has.
type issuances struct {
	bySecret map[types.NamespacedName]*Issuance
	needs    map[types.NamespacedName][]need
	// certificates by the Secret that they are written to.
	certificates map[types.NamespacedName]*cmv1.Certificate
}

// maxRouteNames bounds the names in a certificate for a listener without
// hostname, as Let's Encrypt does.
const maxRouteNames = 100

// readIssuances finds what cert-manager is to issue, and who is to ask for it.
func (b *builder) readIssuances() {
	b.issuances = issuances{
		bySecret:     map[types.NamespacedName]*Issuance{},
		needs:        map[types.NamespacedName][]need{},
		certificates: map[types.NamespacedName]*cmv1.Certificate{},
	}
	for _, c := range b.s.Certificates.All() {
		secret := types.NamespacedName{Namespace: c.Namespace, Name: c.Spec.SecretName}
		if known := b.issuances.certificates[secret]; known == nil || c.Name == secret.Name {
			b.issuances.certificates[secret] = c
		}
	}
	for _, g := range b.g.Gateways {
		if !g.Accepted.True {
			continue
		}
		for _, l := range g.Listeners {
			if l.TLS && l.Owner.GetDeletionTimestamp().IsZero() {
				b.readNeeds(l)
			}
		}
	}
	for _, i := range b.issuances.bySecret {
		b.g.Issuances = append(b.g.Issuances, i)
	}
	slices.SortFunc(b.g.Issuances, func(x, y *Issuance) int { return strings.Compare(x.Key.String(), y.Key.String()) })
	for _, i := range b.g.Issuances {
		b.decideMaker(i)
	}
	b.reportIssuers()
}

// readNeeds adds what one listener needs. Where cert-manager is asked for by
// annotation, each Secret that a listener names is to be written by it, as with
// the gateway-shim; the default issuer is for those that nobody has chosen.
func (b *builder) readNeeds(l *Listener) {
	issuer, ok := IssuerOf(l.Owner, b.s)
	if !ok {
		return
	}
	refs, problem := b.certificateRefs(l)
	if problem != nil {
		return
	}
	for _, ref := range refs {
		name := string(ref.Name)
		if !isLocalSecret(l.Owner, ref) || !l.Owner.hasIssuer() && name != DefaultCertificateName(l.Owner, l.Source) {
			continue
		}
		n := need{listener: l, names: namesFor(l)}
		if len(n.names) == 0 {
			b.reportOf(l.Owner, diagnostic.IssuerWithoutHostname.At(listenerField(l)+".hostname",
				"a listener without hostname gets a certificate for the hostnames of its routes, and no route has one yet", ""))
			continue
		}
		b.add(types.NamespacedName{Namespace: l.Owner.GetNamespace(), Name: name}, n, issuer)
	}
}

func (b *builder) add(key types.NamespacedName, n need, issuer cmmetav1.IssuerReference) {
	i := b.issuances.bySecret[key]
	if i == nil {
		i = &Issuance{Key: key, Issuer: issuer}
		b.issuances.bySecret[key] = i
	}
	b.issuances.needs[key] = append(b.issuances.needs[key], n)
	for _, name := range n.names {
		if !slices.Contains(i.DNSNames, name) {
			i.DNSNames = append(i.DNSNames, name)
		}
	}
	if !slices.ContainsFunc(i.Owners, n.listener.Owner.is) {
		i.Owners = append(i.Owners, n.listener.Owner)
	}
}

func isLocalSecret(o ListenerOwner, ref gatewayv1.SecretObjectReference) bool {
	return (ref.Group == nil || *ref.Group == "" || *ref.Group == "core") && (ref.Kind == nil || *ref.Kind == "Secret") &&
		(ref.Namespace == nil || *ref.Namespace == "" || string(*ref.Namespace) == o.GetNamespace())
}

// namesFor are the hostnames that a listener needs a certificate for: its own,
// or else those of its routes that are no wildcards, which not every issuer can
// prove.
func namesFor(l *Listener) []string {
	if l.Hostname != "" {
		return []string{l.Hostname}
	}
	var names []string
	for _, a := range l.Routes {
		for _, h := range a.Hostnames {
			if h.Effective != "" && !strings.HasPrefix(h.Effective, "*.") {
				names = append(names, h.Effective)
			}
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	return names[:min(len(names), maxRouteNames)]
}

// decideMaker tells by what there is who makes the Certificate.
func (b *builder) decideMaker(i *Issuance) {
	c, exists := b.s.Certificates.Get(i.Key.Namespace, i.Key.Name)
	other := b.issuances.certificates[i.Key]
	overdue := b.s.OverdueCertificates[i.Key]
	switch {
	case exists && isMadeHere(c):
		i.Maker = MadeHere
	case exists && i.controls(c):
		// The shim's own. It keeps it as the Gateway has it, if it still runs.
		i.Maker, i.Awaited = MadeByShim, !i.fits(c)
		if i.Awaited && overdue {
			i.Maker, i.Awaited = MadeHere, false
		}
	case exists || other != nil || b.isUsersSecret(i.Key):
	case b.shimMakes(i) && !overdue:
		i.Maker, i.Awaited = MadeByShim, true
	default:
		i.Maker = MadeHere
	}
}

// isMadeHere says that the operator made the Certificate, or has taken it over:
// it is then nobody's to control.
func isMadeHere(c *cmv1.Certificate) bool {
	return c.Labels[v1alpha1.LabelGenerated] == "true" && metav1.GetControllerOf(c) == nil
}

// controls says that the Certificate is controlled by one of the owners, as
// the shim's are.
func (i *Issuance) controls(c *cmv1.Certificate) bool {
	owner := metav1.GetControllerOf(c)
	return owner != nil &&
		slices.ContainsFunc(i.Owners, func(o ListenerOwner) bool { return o.Kind == owner.Kind && o.GetUID() == owner.UID })
}

// fits says that the Certificate is for what the listeners need, and for no
// more: a name that is gone might keep it from being renewed.
func (i *Issuance) fits(c *cmv1.Certificate) bool {
	allowed := slices.Concat(i.DNSNames, i.AltNames())
	return c.Spec.SecretName == i.Key.Name && sameIssuer(c.Spec.IssuerRef, i.Issuer) &&
		!slices.ContainsFunc(i.DNSNames, func(n string) bool { return !slices.Contains(c.Spec.DNSNames, n) }) &&
		!slices.ContainsFunc(c.Spec.DNSNames, func(n string) bool { return !slices.Contains(allowed, n) })
}

// AltNames are further names that the first owner's annotations ask for.
func (i *Issuance) AltNames() []string {
	var names []string
	for name := range strings.SplitSeq(i.Owners[0].GetAnnotations()[cmv1.AltNamesAnnotationKey], ",") {
		if name = strings.TrimSpace(name); name != "" && !slices.Contains(i.DNSNames, name) {
			names = append(names, name)
		}
	}
	return names
}

func (i *Issuance) request() request {
	return request{
		issuer: i.Issuer, namespace: i.Key.Namespace, names: slices.Concat(i.DNSNames, i.AltNames()), labels: i.Owners[0].GetLabels(),
	}
}

// isUsersSecret says that the Secret is there, and not from cert-manager, which
// would overwrite it.
func (b *builder) isUsersSecret(key types.NamespacedName) bool {
	secret, ok := b.s.Secrets.Get(key.Namespace, key.Name)
	return ok && secret.Annotations[cmv1.CertificateNameKey] == ""
}

// shimMakes says that the gateway-shim would make the Certificate as it is
// needed, if it runs. It leaves out, with no more than an event, listeners
// without hostname. It would leave out those as well for which the owner names
// no Secret: that is so only where admission was away, and changes nothing but
// how long it takes.
func (b *builder) shimMakes(i *Issuance) bool {
	if len(i.Owners) > 1 || !i.Owners[0].hasIssuer() {
		return false
	}
	ignored := strings.Split(i.Owners[0].GetAnnotations()[cmv1.CertificateIgnoreTLSListeners], ",")
	for _, n := range b.issuances.needs[i.Key] {
		skipped := slices.ContainsFunc(ignored, func(name string) bool { return strings.TrimSpace(name) == string(n.listener.Source.Name) })
		if n.listener.Hostname == "" || skipped {
			return false
		}
	}
	return true
}

// CertificateSecrets returns the Secrets that the listeners of a Gateway, and of
// its ListenerSets, name or are given, whether they exist or not; none that is
// named twice.
func CertificateSecrets(g *gatewayv1.Gateway, s snapshot.Snapshot) []types.NamespacedName {
	var out []types.NamespacedName
	for _, owner := range OwnersFor(g, s) {
		for i := range owner.Listeners {
			for _, key := range secretsOf(owner, &owner.Listeners[i], s) {
				if !slices.Contains(out, key) {
					out = append(out, key)
				}
			}
		}
	}
	return out
}

func secretsOf(o ListenerOwner, l *gatewayv1.Listener, s snapshot.Snapshot) []types.NamespacedName {
	if name, ok := InjectedCertificate(o, l, s); ok {
		return []types.NamespacedName{{Namespace: o.GetNamespace(), Name: name}}
	}
	if l.TLS == nil {
		return nil
	}
	var out []types.NamespacedName
	for _, ref := range l.TLS.CertificateRefs {
		namespace := o.GetNamespace()
		if ref.Namespace != nil && *ref.Namespace != "" {
			namespace = string(*ref.Namespace)
		}
		out = append(out, types.NamespacedName{Namespace: namespace, Name: string(ref.Name)})
	}
	return out
}
