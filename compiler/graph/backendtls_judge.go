package graph

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/diagnostic"
)

// TLSPolicy is a BackendTLSPolicy and what became of it.
type TLSPolicy struct {
	Source *gatewayv1.BackendTLSPolicy
	// Ancestors has an entry for each Gateway with a route to a targeted Service,
	// sorted.
	Ancestors []TLSPolicyAncestor
}

// TLSPolicyAncestor is the outcome for one Gateway.
type TLSPolicyAncestor struct {
	Gateway      types.NamespacedName
	Accepted     Verdict
	ResolvedRefs Verdict
}

// backendTLS returns how a port of a Service is connected to by TLS: nil for
// plain text. With a fault, nothing may be sent to it.
func (b *builder) backendTLS(p servicePort, port *corev1.ServicePort) (*BackendTLS, *diagnostic.Diagnostic) {
	policy := b.tlsPolicyOf(p.namespace, p.name, port.Name)
	switch {
	case policy == nil && port.AppProtocol != nil && slices.Contains(tlsProtocols, strings.ToLower(*port.AppProtocol)):
		return nil, new(diagnostic.BackendTLSWithoutPolicy.At(".port",
			fmt.Sprintf("port %d of Service %q speaks %s, and no BackendTLSPolicy says whom to trust", p.port, p.name, *port.AppProtocol), ""))
	case policy == nil:
		return nil, nil
	case policy.tls == nil:
		return nil, new(diagnostic.InvalidBackendTLS.At("",
			fmt.Sprintf("BackendTLSPolicy %q of Service %q is invalid, so nothing is sent there", policy.source.Name, p.name), ""))
	}
	return policy.tls, nil
}

// judgeBackendTLSPolicies says what became of each policy.
func (b *builder) judgeBackendTLSPolicies() {
	if len(b.tlsPoliciesInOrder) == 0 {
		return
	}
	users := b.usersOfServices()
	for _, policy := range b.tlsPoliciesInOrder {
		j := tlsJudge{builder: b, policy: policy, outcomes: map[types.NamespacedName]*policyOutcome{}}
		targets := tlsTargetsOf(policy.source)
		for i := range policy.source.Spec.TargetRefs {
			if target, ok := targets[i]; ok {
				j.judge(target, users, fmt.Sprintf("spec.targetRefs[%d]", i))
			}
		}
		j.finish()
	}
}

// usersOfServices are the Gateways whose routes send requests to a port of a
// Service. Other routes pass on what clients and backends say.
func (b *builder) usersOfServices() map[servicePort][]types.NamespacedName {
	users := map[servicePort][]types.NamespacedName{}
	for _, r := range b.g.Routes {
		if r.Source.Kind != "HTTPRoute" && r.Source.Kind != "GRPCRoute" {
			continue
		}
		for _, ref := range r.Source.BackendRefs() {
			port, fault := serviceOf(&ref, r.Source.GetNamespace())
			if fault != nil {
				continue
			}
			for _, parent := range r.Parents {
				users[port] = append(users[port], parent.Gateway.Key())
			}
		}
	}
	return users
}

// tlsJudge gathers the outcomes of one policy's targets.
type tlsJudge struct {
	*builder
	policy   *tlsPolicy
	outcomes map[types.NamespacedName]*policyOutcome
	findings []diagnostic.Diagnostic
}

func (j *tlsJudge) judge(target tlsTarget, users map[servicePort][]types.NamespacedName, field string) {
	number, missing := j.find(target, field)
	objections := slices.Clone(j.policy.faults)
	if missing != nil {
		objections = append(objections, *missing)
		j.findings = append(j.findings, *missing)
	}
	if winner := j.tlsPolicies[target][0]; winner != j.policy {
		conflict := diagnostic.PolicyConflict.At(field,
			fmt.Sprintf("BackendTLSPolicy %q has the same target and wins", winner.source.Name), "")
		objections = append(objections, conflict)
		j.findings = append(j.findings, conflict)
	}
	for port, gateways := range users {
		if port.namespace != target.namespace || port.name != target.service || number != 0 && port.port != number {
			continue
		}
		for _, gateway := range gateways {
			o := j.outcomes[gateway]
			if o == nil {
				o = &policyOutcome{}
				j.outcomes[gateway] = o
			}
			o.effective = o.effective || len(objections) == 0
			for _, objection := range objections {
				if !slices.Contains(o.objections, objection) {
					o.objections = append(o.objections, objection)
				}
			}
		}
	}
}

// find returns the number of the port that the target names; 0 where it names
// none, or what is missing.
func (j *tlsJudge) find(target tlsTarget, field string) (int32, *diagnostic.Diagnostic) {
	service, ok := j.s.Services.Get(target.namespace, target.service)
	if !ok {
		var names []string
		for _, s := range j.s.Services.InNamespace(target.namespace) {
			names = append(names, s.Name)
		}
		return 0, new(diagnostic.PolicyTargetNotFound.At(field+".name",
			fmt.Sprintf("Service %q not found in namespace %q", target.service, target.namespace), cmp.Or(meant(target.service, names), "create the Service, or mend the name")))
	}
	if target.port == "" {
		return 0, nil
	}
	var names []string
	for _, p := range service.Spec.Ports {
		if p.Name == target.port {
			return p.Port, nil
		}
		names = append(names, p.Name)
	}
	return 0, new(diagnostic.PolicyTargetNotFound.At(field+".sectionName",
		fmt.Sprintf("Service %q has no port named %q", target.service, target.port), cmp.Or(meant(target.port, names), "write the name of one of its ports, or leave sectionName out for all")))
}

// finish adds the policy to the graph, unless only others have to do with it.
func (j *tlsJudge) finish() {
	if len(j.outcomes) == 0 {
		return
	}
	j.report("BackendTLSPolicy", j.policy.source, slices.Concat(j.policy.unresolved, j.policy.faults, j.policy.remarks, j.findings)...)
	p := &TLSPolicy{Source: j.policy.source}
	for gateway, o := range j.outcomes {
		p.Ancestors = append(p.Ancestors, TLSPolicyAncestor{
			Gateway: gateway, Accepted: j.accepted(o), ResolvedRefs: j.policy.resolvedRefs(),
		})
	}
	slices.SortFunc(p.Ancestors, func(a, b TLSPolicyAncestor) int {
		return strings.Compare(a.Gateway.String(), b.Gateway.String())
	})
	j.g.BackendTLSPolicies = append(j.g.BackendTLSPolicies, p)
}

func (j *tlsJudge) accepted(o *policyOutcome) Verdict {
	accepted := string(gatewayv1.PolicyReasonAccepted)
	switch {
	case len(o.objections) == 0:
		return yes(accepted, "The policy is in effect")
	case o.effective:
		return yes(accepted, "The policy is in effect for some of its targets: "+sentences(o.objections))
	case j.policy.tls == nil:
		return no(o.objections[0].Reason, sentences(o.objections)+"; until then requests to its targets are answered with 500")
	}
	return no(o.objections[0].Reason, sentences(o.objections))
}

// resolvedRefs tells which of the references to authorities cannot be read.
func (p *tlsPolicy) resolvedRefs() Verdict {
	if len(p.unresolved) == 0 {
		return yes(string(gatewayv1.BackendTLSPolicyReasonResolvedRefs), "All references are resolved")
	}
	return no(p.unresolved[0].Reason, sentences(p.unresolved))
}
