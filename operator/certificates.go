package operator

import (
	"context"
	"errors"
	"slices"
	"time"

	acmev1 "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler"
	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/infra"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

// shimGrace is how long cert-manager's gateway-shim may take to make a
// Certificate. It takes well under a second if it runs, and some seconds while
// cert-manager is restarted.
const shimGrace = 10 * time.Second

// awaited remembers since when the shim is waited for. Whether it runs at all
// cannot be asked, only seen.
type awaited struct {
	now   func() time.Time
	since map[types.NamespacedName]time.Time
}

func newAwaited(now func() time.Time) *awaited {
	return &awaited{now: now, since: map[types.NamespacedName]time.Time{}}
}

// overdue are the Certificates that the shim has had its time for.
func (a *awaited) overdue() map[types.NamespacedName]bool {
	out := map[types.NamespacedName]bool{}
	for key, since := range a.since {
		if a.now().Sub(since) >= shimGrace {
			out[key] = true
		}
	}
	return out
}

// note takes what is awaited now, and returns when the next of it will be
// overdue; 0 where nothing is. What the operator makes instead stays overdue, or
// it would be waited for again until the cache has it.
func (a *awaited) note(r compiler.Result) time.Duration {
	keep := map[types.NamespacedName]time.Time{}
	for _, c := range r.Certificates {
		key := snapshot.KeyOf(c)
		if since, ok := a.since[key]; ok {
			keep[key] = since
		}
	}
	var next time.Duration
	for _, key := range r.Awaited {
		since, ok := a.since[key]
		if !ok {
			since = a.now()
		}
		keep[key] = since
		if left := max(time.Millisecond, shimGrace-a.now().Sub(since)); next == 0 || left < next {
			next = left
		}
	}
	a.since = keep
	return next
}

// issue has cert-manager issue what the shim does not ask for. One that someone
// else was faster with is looked at anew with the event about it.
func (r *reconciler) issue(ctx context.Context, result compiler.Result) error {
	var errs []error
	for _, c := range result.Certificates {
		if err := r.applier.apply(ctx, c); err != nil && !errors.Is(err, errForeign) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// certificates deletes those of ours that no listener needs any more. Their
// Secrets stay, as cert-manager leaves them.
func (p *pruner) certificates(ctx context.Context, s snapshot.Snapshot, r compiler.Result) error {
	if s.NoCertManager {
		return nil
	}
	ours := client.MatchingLabels{infra.LabelManagedBy: infra.ManagedBy, v1alpha1.LabelGenerated: "true"}
	return p.each(ctx, &cmv1.CertificateList{}, ours, func(o client.Object, key objectKey) bool {
		return metav1.GetControllerOf(o) != nil || !isUnneeded(o, s, r)
	})
}

// isUnneeded says that Gateways or ListenerSets have the Certificate, and that
// none of them needs its Secret. A Gateway of ours that is not accepted may need it again;
// what Gateways had that are gone is the garbage collector's.
func isUnneeded(certificate client.Object, s snapshot.Snapshot, r compiler.Result) bool {
	owners := 0
	for _, owner := range certificate.GetOwnerReferences() {
		gateway, ok := gatewayOf(owner, certificate.GetNamespace(), s)
		if !ok {
			continue
		}
		owners++
		if mayNeed(gateway, client.ObjectKeyFromObject(certificate), r) {
			return false
		}
	}
	return owners > 0
}

// gatewayOf returns the Gateway that owns something, itself or by a ListenerSet
// that it is the parent of; false where the owner is gone.
func gatewayOf(owner metav1.OwnerReference, namespace string, s snapshot.Snapshot) (types.NamespacedName, bool) {
	switch owner.Kind {
	case "Gateway":
		g, ok := s.Gateways.Get(namespace, owner.Name)
		return types.NamespacedName{Namespace: namespace, Name: owner.Name}, ok && g.UID == owner.UID
	case "ListenerSet":
		if set, ok := s.ListenerSets.Get(namespace, owner.Name); ok && set.UID == owner.UID {
			return graph.SetParent(set)
		}
	}
	return types.NamespacedName{}, false
}

func mayNeed(key types.NamespacedName, secret types.NamespacedName, r compiler.Result) bool {
	for _, g := range r.Gateways {
		if g.Key == key {
			return slices.Contains(g.Secrets, secret)
		}
	}
	for _, g := range r.Statuses.Gateways {
		if g.Key == key {
			return true
		}
	}
	return false
}

// issuingChanged says whether what cert-manager did may be for a listener of
// ours.
func (w *watches) issuingChanged(before, after client.Object) bool {
	if before == nil || after == nil {
		return before == nil && after == nil || w.issuingMatters(before) || w.issuingMatters(after)
	}
	if !w.issuingMatters(before) && !w.issuingMatters(after) {
		return false
	}
	return specChanged(before, after) ||
		!equality.Semantic.DeepEqual(before.GetOwnerReferences(), after.GetOwnerReferences()) ||
		!equality.Semantic.DeepEqual(issuingStatus(before), issuingStatus(after))
}

func (w *watches) issuingMatters(o client.Object) bool {
	switch o := o.(type) {
	case nil:
		return false
	case *cmv1.Issuer, *cmv1.ClusterIssuer:
		return true
	case *cmv1.Certificate:
		return isManaged(o) || w.now().Secret(types.NamespacedName{Namespace: o.Namespace, Name: o.Spec.SecretName})
	}
	return w.now().Issuing(o.GetNamespace())
}

// issuingStatus is what the compiler reads of a status.
func issuingStatus(o client.Object) any {
	switch o := o.(type) {
	case cmv1.GenericIssuer:
		return o.GetStatus().Conditions
	case *cmv1.Certificate:
		return []any{o.Status.Conditions, o.Status.FailedIssuanceAttempts != nil}
	case *cmv1.CertificateRequest:
		return o.Status
	case *acmev1.Order:
		return o.Status
	case *acmev1.Challenge:
		return o.Status
	}
	return nil
}
