package graph

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/diagnostic"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

// DefaultCertificateName is the name of the Secret that a listener's
// certificate is in when the listener names none: by the hostname, which a
// wildcard shares with the name that it is under ("*.example.net" and
// "example.net" give example-net-tls, one certificate for both), else by owner
// and listener.
func DefaultCertificateName(owner ListenerOwner, listener *gatewayv1.Listener) string {
	hostname := ""
	if listener.Hostname != nil {
		hostname = strings.ToLower(string(*listener.Hostname))
	}
	if _, ok := lowerHostname(hostname); !ok {
		return dnsLabel(owner.GetName(), string(listener.Name), "tls")
	}
	// "a-b.c" and "a.b-c" share a Secret: cert-manager then puts both names
	// into one certificate.
	return shorten(strings.ReplaceAll(strings.TrimPrefix(hostname, "*."), ".", "-")+"-tls", maxLabel)
}

// InjectedCertificate returns the name of the Secret that a listener gets its
// certificate from although it names none: one that terminates TLS, of an owner
// that cert-manager has an issuer for, by annotation or by the default of the
// GatewayConfig. Options may stand for a certificate, so such a listener is left
// alone. Admission writes the name into the listener; without admission the
// outcome is the same.
func InjectedCertificate(owner ListenerOwner, listener *gatewayv1.Listener, s snapshot.Snapshot) (string, bool) {
	if !LacksCertificate(listener) {
		return "", false
	}
	if _, ok := defaultIssuer(owner.Gateway, s); !ok && !owner.hasIssuer() {
		return "", false
	}
	return DefaultCertificateName(owner, listener), true
}

// LacksCertificate says that the listener terminates TLS and names no
// certificate.
func LacksCertificate(listener *gatewayv1.Listener) bool {
	t := listener.TLS
	if listener.Protocol == gatewayv1.TLSProtocolType && (t == nil || t.Mode == nil) {
		// The schema wants a mode, and which one is not for us to say.
		return false
	}
	return terminates(listener) && (t == nil || len(t.CertificateRefs) == 0 && len(t.Options) == 0)
}

// resolveCertificates keeps the certificates that are good, tells what is wrong
// with the others, and remarks on good ones that do not fit the listener.
func (b *builder) resolveCertificates(l *Listener) (problems, remarks []diagnostic.Diagnostic) {
	field := listenerField(l) + ".tls.certificateRefs"
	refs, problem := b.certificateRefs(l)
	if problem != nil {
		return []diagnostic.Diagnostic{*problem}, nil
	}
	for i, ref := range refs {
		certificate, problem := b.resolveCertificate(l.Owner, ref)
		if problem != nil {
			problem.Field = fmt.Sprintf("%s[%d]", field, i)
			if problem.Check == diagnostic.CertificateNotFound.ID {
				problem.Fix = cmp.Or(b.unasked(l), problem.Fix)
			}
			problems = append(problems, *problem)
		}
		if certificate == nil {
			continue
		}
		l.Certificates = append(l.Certificates, certificate.Certificate)
		if names := certificate.uncovered(l.Hostname); names != "" {
			remarks = append(remarks, diagnostic.HostnameNotCovered.At(fmt.Sprintf("%s[%d]", field, i),
				fmt.Sprintf("the certificate in Secret %q is for %s, not for %q", ref.Name, names, l.Hostname), ""))
		}
		if remark := b.renewal(certificate.Secret); remark != nil {
			remark.Field = fmt.Sprintf("%s[%d]", field, i)
			remarks = append(remarks, *remark)
		}
	}
	return problems, remarks
}

// unasked says why cert-manager is not asked for a certificate although the
// listener's owner has an issuer; empty where it has none.
func (b *builder) unasked(l *Listener) string {
	_, ok := IssuerOf(l.Owner, b.s)
	switch {
	case !ok && l.Owner.hasIssuer():
		return "leave out one of " + issuerAnnotation + " and " + clusterIssuerAnnotation
	case ok && len(namesFor(l)) == 0:
		return "for cert-manager to issue it, write a hostname into the listener or into a route"
	}
	return ""
}

// certificateRefs returns the listener's references, or the one that admission
// would have filled in.
func (b *builder) certificateRefs(l *Listener) ([]gatewayv1.SecretObjectReference, *diagnostic.Diagnostic) {
	if t := l.Source.TLS; t != nil && len(t.CertificateRefs) > 0 {
		return t.CertificateRefs, nil
	}
	if name, ok := InjectedCertificate(l.Owner, l.Source, b.s); ok {
		return []gatewayv1.SecretObjectReference{{Name: gatewayv1.ObjectName(name)}}, nil
	}
	finding := diagnostic.NoCertificate.At(listenerField(l)+".tls.certificateRefs",
		fmt.Sprintf("%s listener %q has neither a certificate nor any way to get one", l.Source.Protocol, l.Source.Name),
		"name a Secret, or an issuer of cert-manager by annotation "+clusterIssuerAnnotation+" or in the GatewayConfig")
	if l.Owner.Kind == kindListenerSet || b.hasParameters(l.Owner.Gateway) {
		// The Gateway, or a GatewayConfig that is still to come, may have an issuer.
		finding.Severity = diagnostic.Warn
	}
	return nil, &finding
}

// hasParameters says that the Gateway or its class refers to a GatewayConfig.
func (b *builder) hasParameters(g *gatewayv1.Gateway) bool {
	class, ok := b.classes[string(g.Spec.GatewayClassName)]
	return ok && class.Source.Spec.ParametersRef != nil || g.Spec.Infrastructure != nil && g.Spec.Infrastructure.ParametersRef != nil
}

// parsedCertificate is a certificate with its leaf; the leaf is nil where
// Secrets are unknown.
type parsedCertificate struct {
	Certificate
	leaf *x509.Certificate
}

// resolveCertificate finds the Secret and checks it.
func (b *builder) resolveCertificate(owner ListenerOwner, ref gatewayv1.SecretObjectReference) (*parsedCertificate, *diagnostic.Diagnostic) {
	invalid := func(c diagnostic.Check, message, fix string) (*parsedCertificate, *diagnostic.Diagnostic) {
		return nil, new(c.At("", message, fix))
	}
	if ref.Group != nil && *ref.Group != "" && *ref.Group != "core" || ref.Kind != nil && *ref.Kind != "Secret" {
		return invalid(diagnostic.CertificateKind, "a certificate can only be in a Secret", `write group: "", kind: Secret`)
	}
	key := types.NamespacedName{Namespace: owner.GetNamespace(), Name: string(ref.Name)}
	if ref.Namespace != nil && *ref.Namespace != "" {
		key.Namespace = string(*ref.Namespace)
	}
	r := reference{
		fromKind: owner.Kind, fromNamespace: owner.GetNamespace(),
		toKind: "Secret", toNamespace: key.Namespace, toName: key.Name,
	}
	if !b.permitted(r) {
		return invalid(diagnostic.CertificateNotPermitted,
			fmt.Sprintf("Secret %s may not be used from namespace %q", key, owner.GetNamespace()), r.grantFix())
	}
	if b.s.SecretsUnknown {
		return &parsedCertificate{Certificate: Certificate{Secret: key}}, nil
	}
	secret, ok := b.s.Secrets.Get(key.Namespace, key.Name)
	if !ok {
		if sentence := b.chain(key); sentence != "" {
			return invalid(diagnostic.CertificatePending, sentence, fmt.Sprintf("kubectl -n %s describe certificate %s", key.Namespace, key.Name))
		}
		fix := fmt.Sprintf("kubectl -n %s create secret tls %s --cert=… --key=…", key.Namespace, key.Name)
		return invalid(diagnostic.CertificateNotFound, fmt.Sprintf("Secret %q not found in namespace %q", key.Name, key.Namespace), fix)
	}
	parsed, err := parseCertificate(secret)
	if err != nil {
		return invalid(diagnostic.MalformedCertificate, fmt.Sprintf("Secret %s holds no certificate with its key: %v", key, err), "")
	}
	return parsed, nil
}

// parseCertificate checks that the key belongs to the first certificate of the
// chain, and leaves out of the PEM all that is neither.
func parseCertificate(secret *corev1.Secret) (*parsedCertificate, error) {
	chain, key := secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey]
	for _, name := range []string{corev1.TLSCertKey, corev1.TLSPrivateKeyKey} {
		if len(secret.Data[name]) == 0 {
			return nil, fmt.Errorf("%s is empty", name)
		}
	}
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	for _, der := range pair.Certificate {
		out.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	for block, rest := pem.Decode(key); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "PRIVATE KEY" || strings.HasSuffix(block.Type, " PRIVATE KEY") {
			out.Write(pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes}))
			break
		}
	}
	leaf := pair.Leaf
	if leaf == nil {
		if leaf, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
			return nil, err
		}
	}
	return &parsedCertificate{
		Certificate: Certificate{
			Secret: types.NamespacedName{Namespace: secret.Namespace, Name: secret.Name},
			PEM:    out.Bytes(),
		},
		leaf: leaf,
	}, nil
}

// uncovered returns the names of the certificate if they do not include the
// hostname. Names of a certificate cover one label with a wildcard (RFC 6125).
func (c *parsedCertificate) uncovered(hostname string) string {
	if c.leaf == nil || hostname == "" {
		return ""
	}
	_, parent, _ := strings.Cut(hostname, ".")
	for _, name := range c.leaf.DNSNames {
		if name = strings.ToLower(name); name == hostname || name == "*."+parent {
			return ""
		}
	}
	if len(c.leaf.DNSNames) == 0 {
		return "no hostname"
	}
	return strings.Join(c.leaf.DNSNames, ", ")
}
