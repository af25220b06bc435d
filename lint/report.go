package lint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/diagnostic"
	"github.com/gatewright/gatewright/compiler/judgement"
	"github.com/gatewright/gatewright/compiler/snapshot"
	"github.com/gatewright/gatewright/manifest"
	"github.com/gatewright/gatewright/premise"
)

// Report is what there is to say about manifests. Everything in it is sorted.
type Report struct {
	// Findings by place.
	Findings []Finding `json:"findings"`
	// Unreadable is what could not be judged, by place.
	Unreadable []manifest.Remark `json:"unreadable"`
	// PassedOver is what was not to be judged.
	PassedOver []manifest.Remark `json:"passedOver"`
	// Assumed are objects that were taken to exist.
	Assumed []diagnostic.Object `json:"assumed"`
	Summary Summary             `json:"summary"`
}

// Finding is a diagnostic and the line that it is about.
type Finding struct {
	Place manifest.Place `json:"place"`
	diagnostic.Diagnostic
}

// Summary counts.
type Summary struct {
	Denied     int `json:"denied"`
	Warnings   int `json:"warnings"`
	Unreadable int `json:"unreadable"`
	// Judged objects, and Others of kinds that do not bear on Gatewright.
	Judged int `json:"judged"`
	Others int `json:"others"`
}

// The findings of lint itself, in the words of the other checks.
var (
	// CutOff is a loss that a judgement speaks of.
	CutOff = diagnostic.Check{
		ID: "route-cut-off", Severity: diagnostic.Warn, Reason: "CutOff",
		Prevents: "a route in the cluster that the changed Gateway no longer serves",
	}
	// Unreadable is a manifest that could not be judged.
	Unreadable = diagnostic.Check{
		ID: "unreadable", Severity: diagnostic.Deny, Reason: "Unreadable",
		Prevents: "a manifest that the API server cannot read",
	}
)

// Of judges every object of the manifests, each as admission would if it were
// applied after all others.
func Of(m manifest.Manifests, o premise.Options) Report {
	p := premise.Of(m, o)
	// The lists are never nil, so that JSON has them even if they are empty.
	r := Report{
		Findings:   []Finding{},
		Unreadable: append([]manifest.Remark{}, m.Unreadable...),
		PassedOver: append([]manifest.Remark{}, m.PassedOver...),
		Assumed:    append([]diagnostic.Object{}, p.Assumed...),
	}
	judgements := judge(p)
	for i, object := range p.Objects {
		r.add(object, judgements[i])
		r.PassedOver = append(r.PassedOver, notOurs(object, p.Snapshot)...)
		if o.Cluster != nil {
			r.addLosses(object, *o.Cluster, p.Snapshot)
		}
	}
	r.sort()
	r.Summary.Judged, r.Summary.Others, r.Summary.Unreadable = len(p.Objects), m.Others, len(m.Unreadable)
	return r
}

// judge returns the judgement of each object.
func judge(p premise.Premise) []judgement.Judgement {
	changes := make([]judgement.Change, len(p.Objects))
	for i, o := range p.Objects {
		changes[i] = judgement.Change{Kind: o.Kind, New: o.Object}
	}
	judgements := judgement.OfCreated(changes, p.Snapshot)
	for i, c := range changes {
		// Of two with one name, the snapshot has the later.
		if has, ok := p.Snapshot.Existing(c.New); !ok || has != c.New {
			judgements[i] = judgement.Of(c, p.Snapshot)
		}
	}
	return judgements
}

func (r *Report) add(o manifest.Object, j judgement.Judgement) {
	for _, d := range slices.Concat(j.Denials, j.Warnings) {
		r.Findings = append(r.Findings, Finding{Place: o.Place(d.Field), Diagnostic: d})
	}
	r.Summary.Denied += len(j.Denials)
	r.Summary.Warnings += len(j.Warnings)
}

// addLosses tells what the object's change takes from routes in the cluster.
func (r *Report) addLosses(o manifest.Object, cluster, after snapshot.Snapshot) {
	old, ok := cluster.Existing(o.Object)
	if !ok {
		return
	}
	change := judgement.Change{Kind: o.Kind, Old: old, New: o.Object}
	for _, loss := range judgement.Of(change, after).Losses {
		d := CutOff.At("", loss, "")
		d.Object = o.ID()
		r.Findings = append(r.Findings, Finding{Place: o.Place(""), Diagnostic: d})
		r.Summary.Warnings++
	}
}

// notOurs tells that a Gateway is not judged since its class is another's.
func notOurs(o manifest.Object, s snapshot.Snapshot) []manifest.Remark {
	gateway, ok := o.Object.(*gatewayv1.Gateway)
	if !ok {
		return nil
	}
	name := string(gateway.Spec.GatewayClassName)
	if class, ok := s.GatewayClasses.Get("", name); ok && class.Spec.ControllerName == v1alpha1.ControllerName {
		return nil
	}
	return []manifest.Remark{{
		Place: o.Place("spec.gatewayClassName"), Object: o.ID().String(),
		Message: fmt.Sprintf("not judged, since GatewayClass %q is not known to be Gatewright's (--class=%s says that it is)", name, name),
	}}
}

func (r *Report) sort() {
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(a.Place.Compare(b.Place), strings.Compare(a.Object.String(), b.Object.String()),
			strings.Compare(a.Field, b.Field), strings.Compare(a.Message, b.Message))
	})
	byPlace := func(a, b manifest.Remark) int { return a.Place.Compare(b.Place) }
	slices.SortStableFunc(r.Unreadable, byPlace)
	slices.SortStableFunc(r.PassedOver, byPlace)
	slices.SortFunc(r.Assumed, func(a, b diagnostic.Object) int { return strings.Compare(a.String(), b.String()) })
}
