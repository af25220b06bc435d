package graph

import (
	"fmt"
	"net/url"
	"slices"

	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/diagnostic"
)

// BackendTLS is how a backend is connected to by TLS (Gateway API,
// BackendTLSPolicy).
type BackendTLS struct {
	// Policy is the BackendTLSPolicy that says so.
	Policy types.NamespacedName
	// Hostname is asked for in the handshake (SNI), in lower case. The backend's
	// certificate must be for it unless DNSNames or URIs are given.
	Hostname string
	// Authorities are the certificates to trust, as PEM; empty for those of the
	// system.
	Authorities []byte
	// DNSNames and URIs are subject alternative names, of which the certificate
	// must have one (BackendTLSPolicyValidation.subjectAltNames).
	DNSNames, URIs []string
}

// HasAltNames says that the certificate is checked for other names than the one
// that is asked for.
func (t *BackendTLS) HasAltNames() bool { return len(t.DNSNames)+len(t.URIs) > 0 }

// BackendTLSAuthorityRefs are the ConfigMaps and Secrets with the authorities
// that the policy names, all in its own namespace.
func BackendTLSAuthorityRefs(p *gatewayv1.BackendTLSPolicy) []gatewayv1.LocalObjectReference {
	return slices.DeleteFunc(slices.Clone(p.Spec.Validation.CACertificateRefs), func(r gatewayv1.LocalObjectReference) bool {
		return !holdsAuthorities(r)
	})
}

func holdsAuthorities(r gatewayv1.LocalObjectReference) bool {
	return (r.Group == "" || r.Group == "core") && (r.Kind == "ConfigMap" || r.Kind == "Secret")
}

// tlsTarget is a Service, or one port of it.
type tlsTarget struct {
	namespace, service string
	// port is the port's name; empty for all ports without a policy of their
	// own.
	port string
}

// BackendTLSTargets are the Services that the policy names.
func BackendTLSTargets(p *gatewayv1.BackendTLSPolicy) []types.NamespacedName {
	var services []types.NamespacedName
	for _, t := range tlsTargetsOf(p) {
		services = append(services, types.NamespacedName{Namespace: t.namespace, Name: t.service})
	}
	return services
}

// tlsTargetsOf has the targets by their index. Those of other kinds are for
// others, and left out.
func tlsTargetsOf(p *gatewayv1.BackendTLSPolicy) map[int]tlsTarget {
	targets := map[int]tlsTarget{}
	for i, ref := range p.Spec.TargetRefs {
		if ref.Group != "" && ref.Group != "core" || ref.Kind != "Service" {
			continue
		}
		t := tlsTarget{namespace: p.Namespace, service: string(ref.Name)}
		if ref.SectionName != nil {
			t.port = string(*ref.SectionName)
		}
		targets[i] = t
	}
	return targets
}

// tlsPolicy is a BackendTLSPolicy that was checked.
type tlsPolicy struct {
	source *gatewayv1.BackendTLSPolicy
	// tls is nil where the policy is invalid: nobody is to be trusted.
	tls *BackendTLS
	// faults make the policy invalid. The references to authorities are told
	// apart.
	faults, unresolved, remarks []diagnostic.Diagnostic
}

// readBackendTLSPolicies checks the policies and sorts them by target, the
// winning one first: the older one (GEP-713).
func (b *builder) readBackendTLSPolicies() {
	b.tlsPolicies = map[tlsTarget][]*tlsPolicy{}
	for _, source := range b.s.BackendTLSPolicies.All() {
		p := b.checkBackendTLSPolicy(source)
		b.tlsPoliciesInOrder = append(b.tlsPoliciesInOrder, p)
		for _, t := range tlsTargetsOf(source) {
			b.tlsPolicies[t] = append(b.tlsPolicies[t], p)
		}
	}
	for _, same := range b.tlsPolicies {
		slices.SortFunc(same, func(x, y *tlsPolicy) int { return compareAge(x.source, y.source) })
	}
}

// tlsPolicyOf returns the policy that holds for a port of a Service: its own
// before the whole Service's; nil where none does. An invalid one holds as
// well, else a mistake would send plain text.
func (b *builder) tlsPolicyOf(namespace, service, port string) *tlsPolicy {
	whole := tlsTarget{namespace: namespace, service: service}
	own := whole
	own.port = port
	for _, t := range []tlsTarget{own, whole} {
		if found := b.tlsPolicies[t]; len(found) > 0 {
			return found[0]
		}
	}
	return nil
}

// checkBackendTLSPolicy reads what the policy says of certificates.
func (b *builder) checkBackendTLSPolicy(source *gatewayv1.BackendTLSPolicy) *tlsPolicy {
	p := &tlsPolicy{source: source}
	tls := &BackendTLS{Policy: types.NamespacedName{Namespace: source.Namespace, Name: source.Name}}
	b.readBackendAuthorities(p, tls)
	p.readNames(tls)
	if len(source.Spec.Options) > 0 {
		p.remarks = append(p.remarks, diagnostic.UnsupportedPolicyField.At("spec.options", "no options are known, so these have no effect", ""))
	}
	if len(p.faults) == 0 {
		p.tls = tls
	}
	return p
}

func (p *tlsPolicy) fault(c diagnostic.Check, field, message string) {
	p.faults = append(p.faults, c.At("spec.validation"+field, message, ""))
}

// readBackendAuthorities finds whom to trust. A policy for which there is
// nobody is invalid; one of several references that cannot be read is not
// trusted.
func (b *builder) readBackendAuthorities(p *tlsPolicy, tls *BackendTLS) {
	v := &p.source.Spec.Validation
	known := ""
	if v.WellKnownCACertificates != nil {
		known = string(*v.WellKnownCACertificates)
	}
	switch {
	case known != "" && known != string(gatewayv1.WellKnownCACertificatesSystem):
		p.fault(diagnostic.UnknownAuthorities, ".wellKnownCACertificates", fmt.Sprintf("no authorities are known as %q", known))
	case known != "" && len(v.CACertificateRefs) > 0:
		p.fault(diagnostic.UnknownAuthorities, "", "caCertificateRefs and wellKnownCACertificates are two answers to one question")
	case known == "" && len(v.CACertificateRefs) == 0:
		p.fault(diagnostic.NoBackendTLSAuthority, "", "it does not say whom to trust")
	}
	if len(v.CACertificateRefs) == 0 {
		return
	}
	var found authorities
	valid := false
	for i, ref := range v.CACertificateRefs {
		if problem := b.addBackendAuthorities(&found, p.source.Namespace, ref); problem != nil {
			problem.Field = fmt.Sprintf("spec.validation.caCertificateRefs[%d]", i)
			p.unresolved = append(p.unresolved, *problem)
			continue
		}
		valid = true
	}
	if !valid {
		p.fault(diagnostic.NoBackendTLSAuthority, ".caCertificateRefs", "none of the references has an authority")
	}
	tls.Authorities = found.pem.Bytes()
}

// addBackendAuthorities takes in the authorities of one reference.
func (b *builder) addBackendAuthorities(a *authorities, namespace string, ref gatewayv1.LocalObjectReference) *diagnostic.Diagnostic {
	if !holdsAuthorities(ref) {
		return new(diagnostic.BackendTLSAuthorityKind.At("",
			fmt.Sprintf("authorities are in no %s (group %q)", ref.Kind, ref.Group), ""))
	}
	if b.s.SecretsUnknown {
		return nil
	}
	key := types.NamespacedName{Namespace: namespace, Name: string(ref.Name)}
	text, exists := b.authorityText(string(ref.Kind), key)
	if !exists {
		return new(diagnostic.BackendTLSAuthorityNotFound.At("",
			fmt.Sprintf("%s %q not found in namespace %q", ref.Kind, key.Name, key.Namespace), ""))
	}
	if err := a.add(text); err != nil {
		return new(diagnostic.MalformedBackendTLSAuthority.At("",
			fmt.Sprintf("%s of %s %s holds no authority: %v", authorityKey, ref.Kind, key, err), ""))
	}
	return nil
}

// readNames reads which names the certificate may have.
func (p *tlsPolicy) readNames(tls *BackendTLS) {
	v := &p.source.Spec.Validation
	hostname, ok := lowerHostname(string(v.Hostname))
	if !ok || hostname[0] == '*' {
		p.fault(diagnostic.InvalidBackendTLSName, ".hostname", fmt.Sprintf("%q is no hostname of a backend", v.Hostname))
	}
	tls.Hostname = hostname
	for i, name := range v.SubjectAltNames {
		field := fmt.Sprintf(".subjectAltNames[%d]", i)
		switch name.Type {
		case gatewayv1.HostnameSubjectAltNameType:
			hostname, ok := lowerHostname(string(name.Hostname))
			if !ok {
				p.fault(diagnostic.InvalidBackendTLSName, field+".hostname", fmt.Sprintf("%q is no hostname", name.Hostname))
			}
			tls.DNSNames = append(tls.DNSNames, hostname)
		case gatewayv1.URISubjectAltNameType:
			if u, err := url.Parse(string(name.URI)); err != nil || u.Scheme == "" {
				p.fault(diagnostic.InvalidBackendTLSName, field+".uri", fmt.Sprintf("%q is no URI with a scheme", name.URI))
			}
			tls.URIs = append(tls.URIs, string(name.URI))
		default:
			p.fault(diagnostic.InvalidBackendTLSName, field+".type", fmt.Sprintf("no names of type %q are known", name.Type))
		}
	}
}
