package judgement

import (
	"regexp"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatewright/gatewright/compiler/diagnostic"
	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

// Change is what a user asks for.
type Change struct {
	Kind string
	// Old is nil at creation, New at deletion.
	Old, New metav1.Object
}

// Judgement is what there is to say about a change.
type Judgement struct {
	// Denials can never become valid, and were not there before the change.
	Denials []diagnostic.Diagnostic
	// Warnings are about the object itself.
	Warnings []diagnostic.Diagnostic
	// Losses are sentences about what others lose by the change: routes that no
	// longer attach or reach their backends, listeners without certificate.
	Losses []string
}

// Of judges the change by what the snapshot means with it and without it.
func Of(c Change, s snapshot.Snapshot) Judgement { return c.judge(c.narrow(s)) }

func (c Change) judge(s snapshot.Snapshot) Judgement {
	if c.New == nil {
		return Judgement{Losses: c.losses(graph.Build(s.With(c.Old)), graph.Build(s.Without(c.Old)))}
	}
	after := graph.Build(s.With(c.New))
	if c.Old == nil {
		return c.creation(after)
	}
	before := graph.Build(s.With(c.Old))
	found := c.own(after.Diagnostics)
	return Judgement{
		Denials:  added(hard(c.own(before.Diagnostics)), hard(found)),
		Warnings: soft(found),
		Losses:   c.losses(before, after),
	}
}

// OfCreated judges objects that are in the snapshot, each as Of judges its
// creation there. To create one that is there already changes nothing, so what
// the snapshot means is found out once for all of them.
func OfCreated(objects []Change, s snapshot.Snapshot) []Judgement {
	after := graph.Build(s)
	judgements := make([]Judgement, len(objects))
	for i, c := range objects {
		judgements[i] = c.creation(after)
	}
	return judgements
}

func (c Change) creation(after graph.Graph) Judgement {
	found := c.own(after.Diagnostics)
	return Judgement{Denials: hard(found), Warnings: soft(found)}
}

// subject is the changed object.
func (c Change) subject() diagnostic.Object {
	o := c.object()
	return diagnostic.Object{Kind: c.Kind, Namespace: o.GetNamespace(), Name: o.GetName()}
}

// object is the changed object, in its newest form.
func (c Change) object() metav1.Object {
	if c.New == nil {
		return c.Old
	}
	return c.New
}

// own keeps the diagnostics about the changed object.
func (c Change) own(all []diagnostic.Diagnostic) []diagnostic.Diagnostic {
	subject := c.subject()
	var own []diagnostic.Diagnostic
	for _, d := range all {
		if d.Object == subject {
			own = append(own, d)
		}
	}
	return own
}

func hard(all []diagnostic.Diagnostic) []diagnostic.Diagnostic { return of(diagnostic.Deny, all) }
func soft(all []diagnostic.Diagnostic) []diagnostic.Diagnostic { return of(diagnostic.Warn, all) }

func of(severity diagnostic.Severity, all []diagnostic.Diagnostic) []diagnostic.Diagnostic {
	var some []diagnostic.Diagnostic
	for _, d := range all {
		if d.Severity == severity {
			some = append(some, d)
		}
	}
	return some
}

// added returns the faults of after that before did not have. An object that
// is faulty already can so be mended step by step, or edited elsewhere.
func added(before, after []diagnostic.Diagnostic) []diagnostic.Diagnostic {
	known := map[fault]int{}
	for _, d := range before {
		known[faultOf(d)]++
	}
	var fresh []diagnostic.Diagnostic
	for _, d := range after {
		if f := faultOf(d); known[f] > 0 {
			known[f]--
			continue
		}
		fresh = append(fresh, d)
	}
	return fresh
}

// fault is what makes a diagnostic the same one after an edit.
type fault struct {
	object                 diagnostic.Object
	field, reason, message string
}

var listIndex = regexp.MustCompile(`\[\d+\]`)

// faultOf forgets at which index of a list the fault is: a rule that is added
// above a faulty one moves it, and is not to blame.
func faultOf(d diagnostic.Diagnostic) fault {
	return fault{object: d.Object, field: listIndex.ReplaceAllString(d.Field, "[]"), reason: d.Reason, message: d.Message}
}
