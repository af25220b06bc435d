package operator

import (
	"context"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/observer"
)

// fakeCluster is an API server in memory that counts writes.
type fakeCluster struct {
	cluster
	client client.WithWatch

	mu     sync.Mutex
	writes []string
	// before, if set, runs ahead of each status patch: someone who is faster.
	before func()
}

func newFakeCluster(t *testing.T, objects ...client.Object) *fakeCluster {
	t.Helper()
	f := &fakeCluster{}
	f.client = fake.NewClientBuilder().
		WithScheme(observer.Scheme()).
		WithObjects(objects...).
		WithStatusSubresource(&gatewayv1.GatewayClass{}, &gatewayv1.Gateway{}, &gatewayv1.HTTPRoute{}, &gatewayv1.ListenerSet{},
			&gatewayv1.BackendTLSPolicy{}, &v1alpha1.WebSocketPolicy{}).
		WithInterceptorFuncs(interceptor.Funcs{
			Apply: func(ctx context.Context, c client.WithWatch, o runtime.ApplyConfiguration, opts ...client.ApplyOption) error {
				f.wrote("apply")
				return c.Apply(ctx, o, opts...)
			},
			Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
				f.wrote("create")
				return c.Create(ctx, o, opts...)
			},
			Delete: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.DeleteOption) error {
				f.wrote("delete " + o.GetName())
				return c.Delete(ctx, o, opts...)
			},
			Patch: func(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, opts ...client.PatchOption) error {
				f.wrote("patch")
				return c.Patch(ctx, o, p, opts...)
			},
			SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, p client.Patch, opts ...client.SubResourcePatchOption) error {
				f.wrote("patch " + sub)
				if f.before != nil {
					f.before()
				}
				return c.SubResource(sub).Patch(ctx, o, p, opts...)
			},
		}).Build()
	f.cluster = cluster{writer: f.client, statuses: f.client, cached: f.client, live: f.client, scheme: f.client.Scheme()}
	return f
}

func (f *fakeCluster) wrote(what string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.writes = append(f.writes, what)
}

// written returns the writes since it was last called.
func (f *fakeCluster) written() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	w := f.writes
	f.writes = nil
	return w
}

func (f *fakeCluster) get(t *testing.T, key client.ObjectKey, into client.Object) {
	t.Helper()
	if err := f.client.Get(t.Context(), key, into); err != nil {
		t.Fatal(err)
	}
}
