package graph

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	acmev1 "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmetav1 "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/diagnostic"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

// certManagerGroup is the group of cert-manager's own issuers.
const certManagerGroup = "cert-manager.io"

// IssuerOf returns the issuer that an owner's certificates are to come from:
// the one that its annotations name, as cert-manager's gateway-shim reads them,
// or else the default of the Gateway's GatewayConfig. Contradicting annotations
// name none.
func IssuerOf(o ListenerOwner, s snapshot.Snapshot) (cmmetav1.IssuerReference, bool) {
	if o.hasIssuer() {
		return annotatedIssuer(o.CertificateAnnotations())
	}
	return defaultIssuer(o.Gateway, s)
}

func annotatedIssuer(annotations map[string]string) (cmmetav1.IssuerReference, bool) {
	cluster, own := annotations[clusterIssuerAnnotation], annotations[issuerAnnotation]
	switch {
	case cluster != "" && own != "":
		return cmmetav1.IssuerReference{}, false
	case cluster != "":
		return cmmetav1.IssuerReference{Group: certManagerGroup, Kind: cmv1.ClusterIssuerKind, Name: cluster}, true
	}
	return cmmetav1.IssuerReference{
		Group: cmp.Or(annotations[cmv1.IssuerGroupAnnotationKey], certManagerGroup),
		Kind:  cmp.Or(annotations[cmv1.IssuerKindAnnotationKey], cmv1.IssuerKind),
		Name:  own,
	}, own != ""
}

// defaultIssuer is that of the Gateway's GatewayConfig, or of its class's.
func defaultIssuer(g *gatewayv1.Gateway, s snapshot.Snapshot) (cmmetav1.IssuerReference, bool) {
	var configs []*v1alpha1.GatewayConfig
	add := func(group gatewayv1.Group, kind gatewayv1.Kind, namespace, name string) {
		if string(group) != v1alpha1.GroupVersion.Group || kind != "GatewayConfig" {
			return
		}
		if c, ok := s.GatewayConfigs.Get(namespace, name); ok {
			configs = append(configs, c)
		}
	}
	if class, ok := s.GatewayClasses.Get("", string(g.Spec.GatewayClassName)); ok {
		if ref := class.Spec.ParametersRef; ref != nil && ref.Namespace != nil {
			add(ref.Group, ref.Kind, string(*ref.Namespace), ref.Name)
		}
	}
	if i := g.Spec.Infrastructure; i != nil && i.ParametersRef != nil {
		add(i.ParametersRef.Group, i.ParametersRef.Kind, g.Namespace, i.ParametersRef.Name)
	}
	c := overlay(configs...).Spec.Certificates
	if c == nil || c.IssuerRef == nil {
		return cmmetav1.IssuerReference{}, false
	}
	ref := cmmetav1.IssuerReference{Group: certManagerGroup, Kind: cmv1.ClusterIssuerKind, Name: c.IssuerRef.Name}
	if c.IssuerRef.Group != nil {
		ref.Group = cmp.Or(*c.IssuerRef.Group, ref.Group)
	}
	if c.IssuerRef.Kind != nil {
		ref.Kind = cmp.Or(*c.IssuerRef.Kind, ref.Kind)
	}
	return ref, true
}

// sameIssuer compares references as cert-manager does, which has defaults for
// what is left out.
func sameIssuer(a, b cmmetav1.IssuerReference) bool {
	return withIssuerDefaults(a) == withIssuerDefaults(b)
}

func withIssuerDefaults(r cmmetav1.IssuerReference) cmmetav1.IssuerReference {
	r.Group, r.Kind = cmp.Or(r.Group, certManagerGroup), cmp.Or(r.Kind, cmv1.IssuerKind)
	return r
}

// request is what an issuer is asked for.
type request struct {
	issuer    cmmetav1.IssuerReference
	namespace string
	names     []string
	// labels of the Certificate, by which an issuer may choose a solver.
	labels map[string]string
}

// issuerFault is what keeps an issuer from issuing.
type issuerFault struct {
	check diagnostic.Check
	// message is a sentence of its own; name is the hostname that it is about, if
	// it is about one.
	message, name, fix string
}

// issuerFault says why the issuer cannot do what it is asked for; nil where
// nothing speaks against it. Issuers of other groups are not known.
func (b *builder) issuerFault(r request) *issuerFault {
	ref := withIssuerDefaults(r.issuer)
	called := ref.Kind + " " + ref.Name
	if b.s.NoCertManager {
		return &issuerFault{
			check: diagnostic.IssuerNotFound, message: called + " is not there, as cert-manager is not installed",
			fix: "install cert-manager, or create the Secret yourself",
		}
	}
	if b.s.IssuersUnknown || ref.Group != certManagerGroup {
		return nil
	}
	issuer, problem := b.issuer(ref, r.namespace)
	switch {
	case problem != "":
		return &issuerFault{check: diagnostic.IssuerNotFound, message: problem}
	case issuer == nil:
		return nil
	}
	if fault := solverFault(called, issuer.GetSpec().ACME, r); fault != nil {
		return fault
	}
	for _, c := range issuer.GetStatus().Conditions {
		if c.Type == cmv1.IssuerConditionReady && c.Status == cmmetav1.ConditionFalse {
			return &issuerFault{check: diagnostic.IssuerNotReady, message: fmt.Sprintf("%s is not ready: %s", called, stable(c.Message))}
		}
	}
	return nil
}

// issuer finds the issuer, or says that it is not there; nil and nothing for
// kinds that are not cert-manager's.
func (b *builder) issuer(ref cmmetav1.IssuerReference, namespace string) (cmv1.GenericIssuer, string) {
	switch ref.Kind {
	case cmv1.ClusterIssuerKind:
		if i, ok := b.s.ClusterIssuers.Get("", ref.Name); ok {
			return i, ""
		}
		return nil, fmt.Sprintf("ClusterIssuer %s does not exist", ref.Name) + suggestion(ref.Name, b.s.ClusterIssuers.All())
	case cmv1.IssuerKind:
		if i, ok := b.s.Issuers.Get(namespace, ref.Name); ok {
			return i, ""
		}
		return nil, fmt.Sprintf("Issuer %s does not exist in namespace %s", ref.Name, namespace) +
			suggestion(ref.Name, b.s.Issuers.InNamespace(namespace))
	}
	return nil, ""
}

func suggestion[T metav1.Object](name string, of []T) string {
	var names []string
	for _, o := range of {
		names = append(names, o.GetName())
	}
	if m := meant(name, names); m != "" {
		return ", " + m
	}
	return ""
}

// solverFault finds a name that none of an ACME issuer's solvers is for. A
// wildcard is proved by DNS-01 alone (RFC 8555, section 7.1.3 and the policy of
// all authorities).
func solverFault(called string, acme *acmev1.ACMEIssuer, r request) *issuerFault {
	if acme == nil {
		return nil
	}
	for _, name := range r.names {
		wildcard := strings.HasPrefix(name, "*.")
		if slices.ContainsFunc(acme.Solvers, func(s acmev1.ACMEChallengeSolver) bool {
			return (s.DNS01 != nil || !wildcard && s.HTTP01 != nil) && selects(s.Selector, name, r.labels)
		}) {
			continue
		}
		fault := &issuerFault{check: diagnostic.IssuerWithoutSolver, name: name}
		dns := slices.ContainsFunc(acme.Solvers, func(s acmev1.ACMEChallengeSolver) bool { return s.DNS01 != nil })
		switch {
		case len(acme.Solvers) == 0:
			fault.message = called + " has no solver"
		case wildcard && !dns:
			fault.check = diagnostic.IssuerWithoutDNS01
			fault.message = called + " has only an HTTP-01 solver; a wildcard needs DNS-01"
		case wildcard:
			fault.check = diagnostic.IssuerWithoutDNS01
			fault.message = fmt.Sprintf("%s has no DNS-01 solver whose selector is for %s; a wildcard needs DNS-01", called, name)
		default:
			fault.message = fmt.Sprintf("%s has no solver whose selector is for %s", called, name)
		}
		return fault
	}
	return nil
}

// selects says whether a solver is for the name, as cert-manager decides it:
// all that the selector has must hold.
func selects(s *acmev1.CertificateDNSNameSelector, name string, of map[string]string) bool {
	if s == nil {
		return true
	}
	inZone := slices.ContainsFunc(s.DNSZones, func(zone string) bool {
		zone = strings.TrimSuffix(strings.ToLower(zone), ".")
		return name == zone || strings.HasSuffix(name, "."+zone)
	})
	return labels.SelectorFromSet(s.MatchLabels).Matches(labels.Set(of)) &&
		(len(s.DNSNames) == 0 || slices.Contains(s.DNSNames, name)) &&
		(len(s.DNSZones) == 0 || inZone)
}

// reportIssuers tells of issuers that cannot issue what listeners need. The
// Certificate may be asked for later, so this is told at admission as well.
func (b *builder) reportIssuers() {
	type finding struct {
		owner          diagnostic.Object
		field, message string
	}
	told := map[finding]bool{}
	for _, i := range b.g.Issuances {
		fault := b.issuerFault(i.request())
		if fault == nil {
			continue
		}
		for _, need := range b.issuances.needs[i.Key] {
			f := finding{objectOf(need.listener.Owner), need.field(fault), fault.message}
			elsewhere := slices.Contains(i.DNSNames, fault.name) && !slices.Contains(need.names, fault.name)
			if !told[f] && !elsewhere {
				told[f] = true
				b.reportOf(need.listener.Owner, fault.check.At(f.field, f.message, fault.fix))
			}
		}
	}
}

// field is what to change in the listener's owner: the hostname that cannot be proved, or
// where the issuer is named.
func (n need) field(fault *issuerFault) string {
	annotations := n.listener.Owner.GetAnnotations()
	switch {
	case fault.name != "" && n.listener.Hostname != "":
		return listenerField(n.listener) + ".hostname"
	case annotations[clusterIssuerAnnotation] != "":
		return "metadata.annotations[" + clusterIssuerAnnotation + "]"
	case annotations[issuerAnnotation] != "":
		return "metadata.annotations[" + issuerAnnotation + "]"
	}
	return listenerField(n.listener) + ".tls.certificateRefs"
}
