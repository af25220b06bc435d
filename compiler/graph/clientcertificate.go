package graph

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/diagnostic"
)

// ClientValidation is what a listener asks of its clients (Gateway API,
// FrontendTLSValidation): a certificate that one of the authorities signed.
type ClientValidation struct {
	// Authorities are certificates, as PEM. Empty where Secrets are unknown.
	Authorities []byte
	// Insecure says that clients are asked for a certificate, and let in with any
	// or none (AllowInsecureFallback).
	Insecure bool
}

// authorityKey is where ConfigMaps and Secrets have the authorities'
// certificates.
const authorityKey = "ca.crt"

// ClientAuthorityRefs are the objects with the authorities of client
// certificates that the Gateway names.
func ClientAuthorityRefs(g *gatewayv1.Gateway) []gatewayv1.ObjectReference {
	var refs []gatewayv1.ObjectReference
	for _, v := range clientValidations(g) {
		refs = append(refs, v.CACertificateRefs...)
	}
	return refs
}

// clientValidations are all that the Gateway asks of clients, at any port.
func clientValidations(g *gatewayv1.Gateway) []*gatewayv1.FrontendTLSValidation {
	if g.Spec.TLS == nil || g.Spec.TLS.Frontend == nil {
		return nil
	}
	all := []*gatewayv1.FrontendTLSValidation{g.Spec.TLS.Frontend.Default.Validation}
	for i := range g.Spec.TLS.Frontend.PerPort {
		all = append(all, g.Spec.TLS.Frontend.PerPort[i].TLS.Validation)
	}
	return slices.DeleteFunc(all, func(v *gatewayv1.FrontendTLSValidation) bool { return v == nil })
}

// InsecureFallback says that the Gateway lets in clients with any certificate,
// or none, at some port where it asks for one.
func (g *Gateway) InsecureFallback() bool {
	return slices.ContainsFunc(clientValidations(g.Source), func(v *gatewayv1.FrontendTLSValidation) bool {
		return v.Mode == gatewayv1.AllowInsecureFallback
	})
}

// validationAt returns what clients of the port are asked for, and its field.
// What is said of a port replaces the default, even if it asks for nothing.
func validationAt(g *gatewayv1.Gateway, port gatewayv1.PortNumber) (*gatewayv1.FrontendTLSValidation, string) {
	if g.Spec.TLS == nil || g.Spec.TLS.Frontend == nil {
		return nil, ""
	}
	frontend := g.Spec.TLS.Frontend
	for i, p := range frontend.PerPort {
		if p.Port == port {
			return p.TLS.Validation, fmt.Sprintf("spec.tls.frontend.perPort[%d].tls.validation", i)
		}
	}
	return frontend.Default.Validation, "spec.tls.frontend.default.validation"
}

// resolveClientValidation finds the authorities of client certificates. A
// listener for which there is none is not accepted: it would let everyone in.
func (b *builder) resolveClientValidation(g *Gateway, l *Listener) []diagnostic.Diagnostic {
	validation, field := validationAt(g.Source, l.Source.Port)
	if validation == nil {
		return nil
	}
	problems := b.requireCertificates(g, l, validation, field)
	if l.Owner.Kind == kindGateway || len(problems) == 0 {
		return problems
	}
	// What the Gateway refers to is its own to mend, and to know.
	b.report(kindGateway, g.Source, problems...)
	return []diagnostic.Diagnostic{{
		Check: problems[0].Check, Severity: diagnostic.Warn, Reason: problems[0].Reason, Field: listenerField(l) + ".port",
		Message: fmt.Sprintf("Gateway %s asks clients of port %d for certificates, and not all authorities that it names are good",
			g.Key(), l.Source.Port),
	}}
}

// requireCertificates gives the listener the authorities that there are.
func (b *builder) requireCertificates(
	g *Gateway, l *Listener, validation *gatewayv1.FrontendTLSValidation, field string,
) []diagnostic.Diagnostic {
	var (
		problems    []diagnostic.Diagnostic
		authorities authorities
		valid       bool
	)
	for i, ref := range validation.CACertificateRefs {
		if problem := b.addAuthorities(&authorities, g, ref); problem != nil {
			problem.Field = fmt.Sprintf("%s.caCertificateRefs[%d]", field, i)
			problems = append(problems, *problem)
			continue
		}
		valid = true
	}
	switch {
	case !valid:
		objection := diagnostic.NoClientAuthority.At(field+".caCertificateRefs",
			"none of the references has an authority, so no client certificate could be valid", "")
		if !b.s.SecretsUnknown {
			// Else some references would be told, and others taken for good.
			b.report("Gateway", g.Source, objection)
		}
		if l.Accepted.True {
			l.Accepted = no(objection.Reason, of(l.Owner, g)+objection.String())
		}
	default:
		l.ClientValidation = &ClientValidation{
			Authorities: authorities.pem.Bytes(), Insecure: validation.Mode == gatewayv1.AllowInsecureFallback,
		}
	}
	return problems
}

// of names the Gateway where its fault is told to another owner.
func of(o ListenerOwner, g *Gateway) string {
	if o.Kind == kindGateway {
		return ""
	}
	return fmt.Sprintf("Gateway %s: ", g.Key())
}

// addAuthorities takes in the authorities of one reference.
func (b *builder) addAuthorities(a *authorities, g *Gateway, ref gatewayv1.ObjectReference) *diagnostic.Diagnostic {
	kind := string(ref.Kind)
	if ref.Group != "" && ref.Group != "core" || kind != "ConfigMap" && kind != "Secret" {
		return new(diagnostic.ClientAuthorityKind.At("",
			fmt.Sprintf("authorities are in no %s (group %q)", kind, ref.Group), `write group: "", kind: ConfigMap`))
	}
	key := types.NamespacedName{Namespace: g.Source.Namespace, Name: string(ref.Name)}
	if ref.Namespace != nil && *ref.Namespace != "" {
		key.Namespace = string(*ref.Namespace)
	}
	r := reference{
		fromKind: "Gateway", fromNamespace: g.Source.Namespace,
		toKind: kind, toNamespace: key.Namespace, toName: key.Name,
	}
	if !b.permitted(r) {
		return new(diagnostic.ClientAuthorityNotPermitted.At("",
			fmt.Sprintf("%s %s may not be used from namespace %q", kind, key, g.Source.Namespace), r.grantFix()))
	}
	if b.s.SecretsUnknown {
		return nil
	}
	text, exists := b.authorityText(kind, key)
	if !exists {
		return new(diagnostic.ClientAuthorityNotFound.At("",
			fmt.Sprintf("%s %q not found in namespace %q", kind, key.Name, key.Namespace), ""))
	}
	if err := a.add(text); err != nil {
		return new(diagnostic.MalformedClientAuthority.At("",
			fmt.Sprintf("%s of %s %s holds no authority: %v", authorityKey, kind, key, err), ""))
	}
	return nil
}

func (b *builder) authorityText(kind string, key types.NamespacedName) (text []byte, exists bool) {
	if kind == "Secret" {
		secret, ok := b.s.Secrets.Get(key.Namespace, key.Name)
		if !ok {
			return nil, false
		}
		return secret.Data[authorityKey], true
	}
	configMap, ok := b.s.ConfigMaps.Get(key.Namespace, key.Name)
	if !ok {
		return nil, false
	}
	if text, ok := configMap.Data[authorityKey]; ok {
		return []byte(text), true
	}
	return configMap.BinaryData[authorityKey], true
}

// authorities gathers certificates, each once.
type authorities struct {
	pem  bytes.Buffer
	seen map[string]bool
}

// add takes the certificates out of the text, all of them or none. It refuses
// what holds anything else: a private key would be sent to every pod.
func (a *authorities) add(text []byte) error {
	var found []*pem.Block
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			return fmt.Errorf("it has a block %q, and may have certificates only", block.Type)
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return err
		}
		found = append(found, &pem.Block{Type: block.Type, Bytes: block.Bytes})
	}
	if len(found) == 0 {
		return errors.New("there is no certificate (PEM) in it")
	}
	if a.seen == nil {
		a.seen = map[string]bool{}
	}
	for _, block := range found {
		if !a.seen[string(block.Bytes)] {
			a.seen[string(block.Bytes)] = true
			a.pem.Write(pem.EncodeToMemory(block))
		}
	}
	return nil
}
