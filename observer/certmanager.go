package observer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	acmev1 "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/gatewright/gatewright/compiler/snapshot"
)

// probePeriod is how often the API server is asked whether it knows
// cert-manager's kinds: they come and go with cert-manager.
const probePeriod = 10 * time.Second

// IssuerKinds are what admission reads of cert-manager.
func IssuerKinds() []client.Object { return []client.Object{&cmv1.Issuer{}, &cmv1.ClusterIssuer{}} }

// IssuingKinds are what the operator reads of cert-manager.
func IssuingKinds() []client.Object {
	return append(IssuerKinds(), &cmv1.Certificate{}, &cmv1.CertificateRequest{}, &acmev1.Order{}, &acmev1.Challenge{})
}

// discovery tells which kinds an API server knows.
type discovery interface {
	ServerResourcesForGroupVersion(groupVersion string) (*metav1.APIResourceList, error)
}

// CertManager watches cert-manager's kinds for as long as the cluster knows
// them. cert-manager may be installed and removed while it runs.
type CertManager struct {
	CertManagerOptions

	// mu is held for reading while the cache is read, so that no informer goes.
	mu      sync.RWMutex
	present bool
	// known is closed once it is known whether the kinds are there.
	known chan struct{}
}

// CertManagerOptions say what to watch.
type CertManagerOptions struct {
	Cache     cache.Informers
	Discovery discovery
	Scheme    *runtime.Scheme
	Kinds     []client.Object
	// Changed, if set, hears of every change of an object: before is nil where it
	// is new, after where it is gone, both where the kinds have come or gone.
	Changed func(before, after client.Object)
	Log     logr.Logger
}

// NewCertManager returns what has to be started to know anything.
func NewCertManager(o CertManagerOptions) *CertManager {
	return &CertManager{CertManagerOptions: o, known: make(chan struct{})}
}

// Start implements manager.Runnable: it looks again and again whether the kinds
// are there.
func (c *CertManager) Start(ctx context.Context) error {
	ticker := time.NewTicker(probePeriod)
	defer ticker.Stop()
	var failure string
	for {
		err := c.probe(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && err.Error() != failure:
			failure = err.Error()
			c.Log.Error(err, "looking for cert-manager")
		case err == nil:
			failure = ""
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// probe brings the informers in line with what the API server knows.
func (c *CertManager) probe(ctx context.Context) error {
	there, err := c.served()
	if err != nil {
		return err
	}
	c.mu.RLock()
	before := c.present
	c.mu.RUnlock()
	if there != before {
		if err := c.follow(ctx, there); err != nil {
			return err
		}
	}
	select {
	case <-c.known:
	default:
		close(c.known)
	}
	if there != before && c.Changed != nil {
		c.Changed(nil, nil)
	}
	return nil
}

// follow starts or ends the informers.
func (c *CertManager) follow(ctx context.Context, there bool) error {
	if there {
		c.Log.Info("cert-manager's kinds are there")
		for _, kind := range c.Kinds {
			if err := c.watch(ctx, kind); err != nil {
				return errors.Join(err, c.forget(ctx))
			}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.present = there
	if there {
		return nil
	}
	c.Log.Info("cert-manager's kinds are gone")
	return c.forget(ctx)
}

// forget ends the informers, and with them the handlers of their events.
func (c *CertManager) forget(ctx context.Context) error {
	for _, kind := range c.Kinds {
		if err := c.Cache.RemoveInformer(ctx, kind); err != nil {
			return fmt.Errorf("end watching %T: %w", kind, err)
		}
	}
	return nil
}

// served says whether the API server knows all of the kinds.
func (c *CertManager) served() (bool, error) {
	known := map[schema.GroupVersionKind]bool{}
	for _, kind := range c.Kinds {
		gvk, err := apiutil.GVKForObject(kind, c.Scheme)
		if err != nil {
			return false, fmt.Errorf("look for %T: %w", kind, err)
		}
		if _, asked := known[gvk.GroupVersion().WithKind("")]; !asked {
			known[gvk.GroupVersion().WithKind("")] = true
			list, err := c.Discovery.ServerResourcesForGroupVersion(gvk.GroupVersion().String())
			if apierrors.IsNotFound(err) {
				return false, nil
			}
			if err != nil {
				return false, fmt.Errorf("ask for the kinds of %s: %w", gvk.GroupVersion(), err)
			}
			for _, r := range list.APIResources {
				known[gvk.GroupVersion().WithKind(r.Kind)] = true
			}
		}
		if !known[gvk] {
			return false, nil
		}
	}
	return true, nil
}

// watch makes an informer for the kind, and waits until it has all objects.
func (c *CertManager) watch(ctx context.Context, kind client.Object) error {
	ctx, cancel := context.WithTimeout(ctx, probePeriod)
	defer cancel()
	informer, err := c.Cache.GetInformer(ctx, kind)
	if err != nil {
		return fmt.Errorf("watch %T: %w", kind, err)
	}
	if c.Changed == nil {
		return nil
	}
	_, err = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { c.changed(nil, o) },
		UpdateFunc: func(before, after any) { c.changed(before, after) },
		DeleteFunc: func(o any) {
			if gone, ok := o.(toolscache.DeletedFinalStateUnknown); ok {
				o = gone.Obj
			}
			c.changed(o, nil)
		},
	})
	if err != nil {
		return fmt.Errorf("watch %T: %w", kind, err)
	}
	return nil
}

func (c *CertManager) changed(before, after any) {
	b, _ := before.(client.Object)
	a, _ := after.(client.Object)
	if a != nil || b != nil {
		c.Changed(b, a)
	}
}

// certManager adds what cert-manager has. It waits until it is known whether
// the cluster has one.
func (o *Observer) certManager(ctx context.Context, s *snapshot.Snapshot) error {
	if c := o.issuing; c != nil {
		select {
		case <-c.known:
		case <-ctx.Done():
			return fmt.Errorf("look for cert-manager: %w", ctx.Err())
		}
		c.mu.RLock()
		defer c.mu.RUnlock()
		if !c.present {
			s.NoCertManager = true
			return nil
		}
	}
	var (
		issuers        cmv1.IssuerList
		clusterIssuers cmv1.ClusterIssuerList
	)
	err := o.lists(ctx, &issuers, &clusterIssuers)
	switch {
	case meta.IsNoMatchError(err):
		// Read from the API server itself.
		s.NoCertManager = true
		return nil
	case apierrors.IsForbidden(err):
		s.IssuersUnknown = true
		return nil
	case err != nil:
		return err
	}
	s.Issuers = snapshot.SetOf(pointers(issuers.Items)...)
	s.ClusterIssuers = snapshot.SetOf(pointers(clusterIssuers.Items)...)
	if o.secrets == nil {
		return nil
	}
	var (
		certificates cmv1.CertificateList
		requests     cmv1.CertificateRequestList
		orders       acmev1.OrderList
		challenges   acmev1.ChallengeList
	)
	if err := o.lists(ctx, &certificates, &requests, &orders, &challenges); err != nil {
		return err
	}
	s.Certificates = snapshot.SetOf(pointers(certificates.Items)...)
	s.CertificateRequests = snapshot.SetOf(pointers(requests.Items)...)
	s.Orders = snapshot.SetOf(pointers(orders.Items)...)
	s.Challenges = snapshot.SetOf(pointers(challenges.Items)...)
	return nil
}

// trimCertManager drops keys, tokens and requests, which nobody reads.
func trimCertManager(object any) {
	switch o := object.(type) {
	case *cmv1.CertificateRequest:
		o.Spec.Request, o.Spec.Extra, o.Spec.Groups = nil, nil, nil
		o.Status.Certificate, o.Status.CA = nil, nil
	case *acmev1.Order:
		o.Spec.Request, o.Status.Certificate, o.Status.Authorizations = nil, nil, nil
	case *acmev1.Challenge:
		o.Spec.Token, o.Spec.Key, o.Spec.Solver = "", "", acmev1.ACMEChallengeSolver{}
	case *cmv1.Issuer:
		trimIssuer(o.GetSpec())
	case *cmv1.ClusterIssuer:
		trimIssuer(o.GetSpec())
	}
}

func trimIssuer(spec *cmv1.IssuerSpec) {
	if spec.ACME != nil {
		spec.ACME.CABundle = nil
	}
}
