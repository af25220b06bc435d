package observer_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	acmev1 "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache/informertest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gatewright/gatewright/observer"
)

// kinds is an API server that knows cert-manager's kinds for some of the time.
type kinds struct{ known map[string][]string }

func (k *kinds) ServerResourcesForGroupVersion(groupVersion string) (*metav1.APIResourceList, error) {
	names, ok := k.known[groupVersion]
	if !ok {
		return nil, apierrors.NewGenericServerResponse(404, "get", cmv1.Resource(""), "", "", 0, true)
	}
	list := &metav1.APIResourceList{}
	for _, name := range names {
		list.APIResources = append(list.APIResources, metav1.APIResource{Kind: name})
	}
	return list, nil
}

// informers counts those that run.
type informers struct {
	*informertest.FakeInformers
	running int
}

func (i *informers) GetInformer(ctx context.Context, o client.Object, opts ...cache.InformerGetOption) (cache.Informer, error) {
	i.running++
	return i.FakeInformers.GetInformer(ctx, o, opts...)
}

func (i *informers) RemoveInformer(context.Context, client.Object) error {
	i.running--
	return nil
}

func TestCertManagerMayComeAndGo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all := map[string][]string{
			cmv1.SchemeGroupVersion.String():   {"Issuer", "ClusterIssuer", "Certificate", "CertificateRequest"},
			acmev1.SchemeGroupVersion.String(): {"Order", "Challenge"},
		}
		server := &kinds{}
		running := &informers{FakeInformers: &informertest.FakeInformers{Scheme: observer.Scheme()}}
		news := 0
		issuing := observer.NewCertManager(observer.CertManagerOptions{
			Cache: running, Discovery: server, Scheme: observer.Scheme(), Kinds: observer.IssuingKinds(),
			Changed: func(before, after client.Object) { news++ }, Log: logr.Discard(),
		})
		c, _ := cluster(append(homelab(), &cmv1.ClusterIssuer{ObjectMeta: metav1.ObjectMeta{Name: "letsencrypt"}})...)
		o := observer.New(c, c, issuing)
		ctx, stop := context.WithCancel(t.Context())
		go func() { _ = issuing.Start(ctx) }()
		type state struct {
			Missing          bool
			Issuers, Running int
			News             int
		}
		for _, step := range []struct {
			name  string
			known map[string][]string
			want  state
		}{
			{"there is none", nil, state{Missing: true}},
			{"half of it is there", map[string][]string{cmv1.SchemeGroupVersion.String(): all[cmv1.SchemeGroupVersion.String()]}, state{Missing: true}},
			{"it comes", all, state{Issuers: 1, Running: 6, News: 1}},
			{"it stays", all, state{Issuers: 1, Running: 6, News: 1}},
			{"it goes", nil, state{Missing: true, News: 2}},
			{"it comes back", all, state{Issuers: 1, Running: 6, News: 3}},
		} {
			server.known = step.known
			time.Sleep(11 * time.Second)
			synctest.Wait()
			s, err := o.Observe(ctx)
			if err != nil {
				t.Fatal(err)
			}
			got := state{Missing: s.NoCertManager, Issuers: s.ClusterIssuers.Len(), Running: running.running, News: news}
			if diff := cmp.Diff(step.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", step.name, diff)
			}
		}
		stop()
		synctest.Wait()
	})
}

func TestTrimmingDropsKeysAndRequests(t *testing.T) {
	t.Parallel()
	trim := observer.CacheOptions().DefaultTransform
	for _, o := range []client.Object{
		&cmv1.CertificateRequest{Spec: cmv1.CertificateRequestSpec{Request: []byte("x")}, Status: cmv1.CertificateRequestStatus{Certificate: []byte("x"), CA: []byte("x")}},
		&acmev1.Order{Spec: acmev1.OrderSpec{Request: []byte("x")}, Status: acmev1.OrderStatus{Certificate: []byte("x"), Authorizations: []acmev1.ACMEAuthorization{{}}}},
		&acmev1.Challenge{Spec: acmev1.ChallengeSpec{Token: "x", Key: "x", Solver: acmev1.ACMEChallengeSolver{HTTP01: &acmev1.ACMEChallengeSolverHTTP01{}}}},
		&cmv1.ClusterIssuer{Spec: cmv1.IssuerSpec{IssuerConfig: cmv1.IssuerConfig{ACME: &acmev1.ACMEIssuer{CABundle: []byte("x")}}}},
		&cmv1.Issuer{Spec: cmv1.IssuerSpec{IssuerConfig: cmv1.IssuerConfig{ACME: &acmev1.ACMEIssuer{CABundle: []byte("x")}}}},
	} {
		out, err := trim(o)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]client.Object{
			"*v1.CertificateRequest": &cmv1.CertificateRequest{}, "*v1.Order": &acmev1.Order{}, "*v1.Challenge": &acmev1.Challenge{},
			"*v1.ClusterIssuer": &cmv1.ClusterIssuer{Spec: cmv1.IssuerSpec{IssuerConfig: cmv1.IssuerConfig{ACME: &acmev1.ACMEIssuer{}}}},
			"*v1.Issuer":        &cmv1.Issuer{Spec: cmv1.IssuerSpec{IssuerConfig: cmv1.IssuerConfig{ACME: &acmev1.ACMEIssuer{}}}},
		}[fmt.Sprintf("%T", out)]
		if diff := cmp.Diff(want, out); diff != "" {
			t.Errorf("%T (-want +got):\n%s", o, diff)
		}
	}
}
