package graph

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/diagnostic"
)

// defaultIdleTimeout of proxied connections: Home Assistant and its like keep
// websockets silent for longer than nginx's own minute.
const defaultIdleTimeout = time.Hour

// longestIdleTimeout is what a timeout of 0s, never, comes to: nginx's timers
// count milliseconds in 31 bits.
const longestIdleTimeout = 24 * 24 * time.Hour

// reasonOverridden of the condition Accepted: a user's policy has the target of
// this generated one.
const reasonOverridden = "Overridden"

// policyTarget is an HTTPRoute, or one rule of it.
type policyTarget struct {
	namespace, name string
	// section is the rule's name; empty for the whole route.
	section string
}

func (t policyTarget) rule(name string) policyTarget {
	t.section = name
	return t
}

func (t policyTarget) route() types.NamespacedName {
	return types.NamespacedName{Namespace: t.namespace, Name: t.name}
}

// policies has the policies of each target that are in force, the winning one
// first. A faulty one is not, unless it restricts.
type policies map[policyTarget][]*v1alpha1.WebSocketPolicy

func isGenerated(p *v1alpha1.WebSocketPolicy) bool {
	return p.Labels[v1alpha1.LabelGenerated] == "true"
}

func targetsOf(p *v1alpha1.WebSocketPolicy) []policyTarget {
	var targets []policyTarget
	for _, ref := range p.Spec.TargetRefs {
		t := policyTarget{namespace: p.Namespace, name: string(ref.Name)}
		if ref.SectionName != nil {
			t.section = string(*ref.SectionName)
		}
		if ref.Group == gatewayv1.GroupName && ref.Kind == "HTTPRoute" && !slices.Contains(targets, t) {
			targets = append(targets, t)
		}
	}
	return targets
}

// readPolicies sorts the policies by target and precedence. A user's wins over
// a generated one, then the older one.
func (b *builder) readPolicies() {
	b.policies = policies{}
	for _, p := range b.s.WebSocketPolicies.All() {
		if len(policyFaults(p)) > 0 && !restricts(p) {
			continue
		}
		for _, target := range targetsOf(p) {
			b.policies[target] = append(b.policies[target], p)
		}
	}
	for _, same := range b.policies {
		slices.SortFunc(same, comparePolicies)
	}
}

func comparePolicies(a, b *v1alpha1.WebSocketPolicy) int {
	if isGenerated(a) != isGenerated(b) {
		if isGenerated(b) {
			return -1
		}
		return 1
	}
	return compareAge(a, b)
}

// readPolicy applies the policy that wins for the rule.
func (r *ruleReader) readPolicy() {
	r.rule.IdleTimeout = defaultIdleTimeout
	if r.grpc != nil {
		return
	}
	target := policyTarget{namespace: r.route.Namespace, name: r.route.Name, section: r.rule.Name}
	winner, target := r.policies.winner(target)
	if winner == nil {
		return
	}
	r.rule.WebSocket = true
	if winner.Spec.IdleTimeout != nil {
		r.rule.IdleTimeout = cmp.Or(duration(*winner.Spec.IdleTimeout, defaultIdleTimeout), longestIdleTimeout)
	}
	if winner.Spec.DrainTimeout != nil {
		r.rule.DrainTimeout = duration(*winner.Spec.DrainTimeout, 0)
	}
	r.rule.WebSocketLimits = limitsOf(winner, target)
}

// winner returns the policy that holds for a rule, and whether it has it as that
// rule's or as the whole route's: a user's over a generated one, then that of
// the rule over that of the whole route. It is nil where none holds.
func (p policies) winner(rule policyTarget) (*v1alpha1.WebSocketPolicy, policyTarget) {
	whole := rule.rule("")
	own, wide := p[rule], p[whole]
	switch {
	case len(own) == 0 && len(wide) == 0:
		return nil, whole
	case len(own) == 0, len(wide) > 0 && isGenerated(own[0]) && !isGenerated(wide[0]):
		return wide[0], whole
	}
	return own[0], rule
}

// judgePolicies says what became of each policy.
func (b *builder) judgePolicies() {
	routes := map[types.NamespacedName]*Route{}
	for _, r := range b.g.Routes {
		if r.Source.Kind == "HTTPRoute" {
			routes[r.Key()] = r
		}
	}
	for _, source := range b.s.WebSocketPolicies.All() {
		j := policyJudge{builder: b, policy: source, outcomes: map[types.NamespacedName]*policyOutcome{}}
		for _, fault := range policyFaults(source) {
			j.note(fault)
		}
		for i, target := range targetsOf(source) {
			j.judge(target, routes[target.route()], fmt.Sprintf("spec.targetRefs[%d]", i))
		}
		j.finish()
	}
}

// policyJudge gathers the outcomes of one policy's targets.
type policyJudge struct {
	*builder
	policy   *v1alpha1.WebSocketPolicy
	outcomes map[types.NamespacedName]*policyOutcome
	findings []diagnostic.Diagnostic
	missing  []PolicyAncestor
}

// policyOutcome is what became of the policy for one Gateway.
type policyOutcome struct {
	effective  bool
	objections []diagnostic.Diagnostic
}

func (j *policyJudge) judge(target policyTarget, route *Route, field string) {
	if route == nil {
		if _, exists := j.s.HTTPRoutes.Get(target.namespace, target.name); !exists {
			d := j.note(diagnostic.PolicyTargetNotFound.At(field+".name",
				fmt.Sprintf("HTTPRoute %q not found in namespace %q", target.name, target.namespace),
				meant(target.name, j.routeNames(target.namespace))))
			j.missing = append(j.missing, PolicyAncestor{Target: target.route(), Accepted: no(d.Reason, d.String())})
		}
		return
	}
	objections := j.objections(target, route, field)
	for _, o := range objections {
		j.note(o)
	}
	for _, parent := range route.Parents {
		o := j.outcomes[parent.Gateway.Key()]
		if o == nil {
			o = &policyOutcome{}
			j.outcomes[parent.Gateway.Key()] = o
		}
		o.effective = o.effective || len(objections) == 0
		for _, objection := range objections {
			if !slices.Contains(o.objections, objection) {
				o.objections = append(o.objections, objection)
			}
		}
	}
}

// overridden says that a user's policy takes the place of a generated one: as it
// should be, so it is no finding.
func overridden(field string, winner *v1alpha1.WebSocketPolicy) diagnostic.Diagnostic {
	return diagnostic.Diagnostic{
		Field: field, Reason: reasonOverridden,
		Message: fmt.Sprintf("WebSocketPolicy %q takes the place of this one, which is generated", winner.Name),
	}
}

func (j *policyJudge) note(d diagnostic.Diagnostic) diagnostic.Diagnostic {
	if d.Reason != reasonOverridden && !slices.Contains(j.findings, d) {
		j.findings = append(j.findings, d)
	}
	return d
}

// objections say why the policy has no effect on a target that exists.
func (j *policyJudge) objections(target policyTarget, route *Route, field string) []diagnostic.Diagnostic {
	if faults := policyFaults(j.policy); len(faults) > 0 {
		return faults
	}
	if target.section != "" {
		var names []string
		for _, rule := range route.HTTP.Spec.Rules {
			if rule.Name != nil {
				names = append(names, string(*rule.Name))
			}
		}
		if !slices.Contains(names, target.section) {
			return []diagnostic.Diagnostic{diagnostic.PolicyTargetNotFound.At(field+".sectionName",
				fmt.Sprintf("HTTPRoute %q has no rule named %q", target.name, target.section), meant(target.section, names))}
		}
	}
	winner, _ := j.policies.winner(target)
	if isGenerated(j.policy) && winner != j.policy {
		return []diagnostic.Diagnostic{overridden(field, winner)}
	}
	if winner := j.policies[target][0]; winner != j.policy {
		return []diagnostic.Diagnostic{diagnostic.PolicyConflict.At(field,
			fmt.Sprintf("WebSocketPolicy %q has the same target and wins", winner.Name), "delete one of the two")}
	}
	return nil
}

func (j *policyJudge) routeNames(namespace string) []string {
	var names []string
	for _, r := range j.s.HTTPRoutes.InNamespace(namespace) {
		names = append(names, r.Name)
	}
	return names
}

// finish adds the policy to the graph, unless only routes of others are
// concerned.
func (j *policyJudge) finish() {
	if len(j.outcomes) == 0 && len(j.missing) == 0 {
		return
	}
	j.report("WebSocketPolicy", j.policy, j.findings...)
	p := &Policy{Source: j.policy}
	for gateway, o := range j.outcomes {
		p.Ancestors = append(p.Ancestors, PolicyAncestor{Gateway: gateway, Accepted: j.verdict(o, gateway)})
	}
	slices.SortFunc(p.Ancestors, func(a, b PolicyAncestor) int {
		return strings.Compare(a.Gateway.String(), b.Gateway.String())
	})
	p.Ancestors = append(p.Ancestors, j.missing...)
	j.g.Policies = append(j.g.Policies, p)
}

func (j *policyJudge) verdict(o *policyOutcome, gateway types.NamespacedName) Verdict {
	accepted := string(gatewayv1.PolicyReasonAccepted)
	switch {
	case len(o.objections) == 0:
		return yes(accepted, "The policy is in effect"+j.drainSentence(gateway))
	case o.effective:
		return yes(accepted, "The policy is in effect for some of its targets: "+sentences(o.objections)+j.drainSentence(gateway))
	case restricts(j.policy) && len(policyFaults(j.policy)) > 0:
		return no(o.objections[0].Reason, sentences(o.objections)+"; until then requests for websockets to its targets are answered with 403")
	}
	return no(o.objections[0].Reason, sentences(o.objections))
}
