package operator

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	corev1apply "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/gatewright/gatewright/compiler/infra"
	"github.com/gatewright/gatewright/observer"
	"github.com/gatewright/gatewright/operator/pki"
)

// webhookCertificate keeps the serving certificate of the admission webhook in
// a Secret that its pods mount, and the authority in the configurations by
// which the API server calls it. It is the operator's work so that the webhook,
// which anyone in the cluster can reach, needs no right on any Secret.
type webhookCertificate struct {
	cluster
	options    WebhookCertificate
	namespace  string
	identities *identities
}

// webhookConfigurations are the kinds to tell whom to trust.
func webhookConfigurations() []client.Object {
	return []client.Object{&admissionv1.ValidatingWebhookConfiguration{}, &admissionv1.MutatingWebhookConfiguration{}}
}

func addWebhookCertificate(m manager.Manager, o Options, c cluster, i *identities) error {
	w := &webhookCertificate{cluster: c, options: o.WebhookCertificate, namespace: o.Namespace, identities: i}
	ctl, err := controller.New("webhook-certificate", m, controller.Options{Reconciler: w})
	if err != nil {
		return fmt.Errorf("add the webhook's certificate: %w", err)
	}
	key := w.key()
	enqueue := handler.EnqueueRequestsFromMapFunc(func(context.Context, client.Object) []reconcile.Request {
		return []reconcile.Request{{NamespacedName: key}}
	})
	secret := predicate.NewPredicateFuncs(func(o client.Object) bool { return client.ObjectKeyFromObject(o) == key })
	sources := []source.Source{source.Kind[client.Object](m.GetCache(), observer.SecretMetadata(), enqueue, secret)}
	for _, configuration := range webhookConfigurations() {
		sources = append(sources, source.Kind(m.GetCache(), configuration, enqueue))
	}
	for _, s := range sources {
		if err := ctl.Watch(s); err != nil {
			return fmt.Errorf("watch %s: %w", s, err)
		}
	}
	return nil
}

func (w *webhookCertificate) key() types.NamespacedName {
	return types.NamespacedName{Namespace: w.namespace, Name: w.options.Secret}
}

// Reconcile implements reconcile.Reconciler. The Secret comes first: an
// authority that nobody has a certificate of yet would have calls fail.
func (w *webhookCertificate) Reconcile(ctx context.Context, _ reconcile.Request) (reconcile.Result, error) {
	authority, err := w.identities.load(ctx)
	if err != nil {
		return reconcile.Result{}, err
	}
	renew, err := w.ensureSecret(ctx, authority)
	if err != nil {
		return reconcile.Result{}, err
	}
	for _, configuration := range webhookConfigurations() {
		if err := w.inject(ctx, configuration, authority.Pair().Certificate); err != nil {
			return reconcile.Result{}, err
		}
	}
	return reconcile.Result{RequeueAfter: max(time.Minute, renew.Sub(w.identities.now()))}, nil
}

// ensureSecret makes the certificate, or renews it, and returns when it is due
// next.
func (w *webhookCertificate) ensureSecret(ctx context.Context, authority *pki.Authority) (time.Time, error) {
	now := w.identities.now()
	host := w.options.Service + "." + w.namespace + ".svc"
	request := pki.Request{
		DNSNames: []string{host, host + ".cluster.local"},
		Usage:    x509.ExtKeyUsageServerAuth, Now: now, Validity: serverValidity,
	}
	secret := &corev1.Secret{}
	if err := w.live.Get(ctx, w.key(), secret); client.IgnoreNotFound(err) != nil {
		return time.Time{}, fmt.Errorf("read Secret %s: %w", w.key(), err)
	}
	renew, err := authority.Check(pairOf(secret), request)
	if err == nil && now.Before(renew) {
		return renew, nil
	}
	pair, err := authority.Issue(request)
	if err != nil {
		return time.Time{}, err
	}
	data := dataOf(pair)
	data[authorityKey] = authority.Pair().Certificate
	apply := corev1apply.Secret(w.options.Secret, w.namespace).
		WithLabels(map[string]string{infra.LabelManagedBy: infra.ManagedBy}).
		WithType(corev1.SecretTypeTLS).WithData(data)
	if err := w.writer.Apply(ctx, apply, owner, client.ForceOwnership); err != nil {
		return time.Time{}, fmt.Errorf("write Secret %s: %w", w.key(), err)
	}
	return authority.Check(pair, request)
}

// inject writes the authority into all webhooks of a configuration. One that is
// not installed is left at that.
func (w *webhookCertificate) inject(ctx context.Context, configuration client.Object, authority []byte) error {
	name := w.options.Configuration
	if err := w.cached.Get(ctx, types.NamespacedName{Name: name}, configuration); err != nil {
		if client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("read %T %s: %w", configuration, name, err)
		}
		return nil
	}
	before, ok := configuration.DeepCopyObject().(client.Object)
	if !ok {
		return fmt.Errorf("copy %T %s", configuration, name)
	}
	changed := false
	for _, c := range clientConfigs(configuration) {
		if !bytes.Equal(c.CABundle, authority) {
			c.CABundle, changed = authority, true
		}
	}
	if !changed {
		return nil
	}
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	if err := w.writer.Patch(ctx, configuration, patch, owner); err != nil {
		return fmt.Errorf("write the authority into %T %s: %w", configuration, name, err)
	}
	return nil
}

func clientConfigs(configuration client.Object) []*admissionv1.WebhookClientConfig {
	var all []*admissionv1.WebhookClientConfig
	switch c := configuration.(type) {
	case *admissionv1.ValidatingWebhookConfiguration:
		for i := range c.Webhooks {
			all = append(all, &c.Webhooks[i].ClientConfig)
		}
	case *admissionv1.MutatingWebhookConfiguration:
		for i := range c.Webhooks {
			all = append(all, &c.Webhooks[i].ClientConfig)
		}
	}
	return all
}
