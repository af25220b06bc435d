package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gatewright/gatewright/test/homelab"
)

// patience bounds how long anything takes that users wait for.
const patience = 60 * time.Second

var (
	// lab is what all tests share: they run one after the other, and leave the
	// sample as they found it.
	lab *homelab.Lab
	// address is that of the sample's Gateway.
	address string
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if lab, err = homelab.Up(ctx, homelab.Options{Log: os.Stderr, Replace: true}); err != nil {
		fmt.Fprintln(os.Stderr, "bring up the lab:", err)
		return 1
	}
	defer func() {
		if err := lab.Down(); err != nil {
			fmt.Fprintln(os.Stderr, "end the lab:", err)
		}
	}()
	if address, err = lab.ServeSample(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "serve the sample:", err)
		return 1
	}
	return m.Run()
}

// explainFailure has a test that fails say what the cluster looks like then.
func explainFailure(t *testing.T) {
	t.Helper()
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(lab.Describe(context.Background()))
		}
	})
}

// eventually waits until check returns nil.
func eventually(t *testing.T, check func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := homelab.Eventually(ctx, check); err != nil {
		t.Fatal(err)
	}
}

// kubectl runs a command that must succeed and returns what a user would see.
func kubectl(t *testing.T, args ...string) string {
	t.Helper()
	said, err := lab.Kubectl(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return said
}

// apply applies a manifest for the time of the test. It must be admitted.
func apply(t *testing.T, manifest string) string {
	t.Helper()
	said, err := lab.Apply(t.Context(), manifest)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lab.Delete(context.Background(), manifest); err != nil {
			t.Error(err)
		}
	})
	return said
}

// answer is what a client got.
type answer struct {
	code   int
	header http.Header
	body   string
}

// get asks once, as a laptop on the LAN.
func get(ctx context.Context, c *http.Client, url string) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return answer{}, err
	}
	response, err := c.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	return answer{response.StatusCode, response.Header, string(body)}, err
}

// laptop asks the sample's Gateway.
func laptop(t *testing.T) *http.Client {
	t.Helper()
	return laptopFor(t, address)
}

// laptopFor asks the Gateway at an address.
func laptopFor(t *testing.T, at string) *http.Client {
	t.Helper()
	c := lab.Laptop(at)
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// expect waits for an answer with the code and the texts in its body.
func expect(t *testing.T, c *http.Client, url string, code int, texts ...string) answer {
	t.Helper()
	var got answer
	eventually(t, func(ctx context.Context) (err error) {
		if got, err = get(ctx, c, url); err != nil {
			return err
		}
		if got.code != code {
			return fmt.Errorf("GET %s: %d instead of %d: %s", url, got.code, code, got.body)
		}
		for _, text := range texts {
			if !strings.Contains(got.body, text) {
				return fmt.Errorf("GET %s: the answer has no %q: %s", url, text, got.body)
			}
		}
		return nil
	})
	return got
}

// fetch reads an object that must exist.
func fetch(t *testing.T, namespace, name string, into client.Object) {
	t.Helper()
	if err := lab.Client.Get(t.Context(), types.NamespacedName{Namespace: namespace, Name: name}, into); err != nil {
		t.Fatal(err)
	}
}

// newNamespace makes a namespace for the time of the test; one of an earlier
// test may still be on its way out.
func newNamespace(t *testing.T, name string) {
	t.Helper()
	n := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	eventually(t, func(ctx context.Context) error { return lab.Client.Create(ctx, n) })
	t.Cleanup(func() {
		if err := lab.Client.Delete(context.Background(), n); err != nil {
			t.Error(err)
		}
	})
}

// stop scales one of the lab's own Deployments to none for the time of the test.
func stop(t *testing.T, component string) {
	t.Helper()
	deployment := "deployment/gatewright-" + component
	t.Cleanup(func() {
		for _, args := range [][]string{
			{"scale", "--namespace", homelab.Namespace, deployment, "--replicas=1"},
			{"rollout", "status", "--namespace", homelab.Namespace, deployment, "--timeout=120s"},
		} {
			if _, err := lab.Kubectl(context.Background(), args...); err != nil {
				t.Error(err)
			}
		}
	})
	kubectl(t, "scale", "--namespace", homelab.Namespace, deployment, "--replicas=0")
	eventually(t, func(ctx context.Context) error {
		var pods corev1.PodList
		err := lab.Client.List(ctx, &pods, client.InNamespace(homelab.Namespace),
			client.MatchingLabels{"app.kubernetes.io/component": component})
		if err == nil && len(pods.Items) > 0 {
			return fmt.Errorf("%d pods of the %s are left", len(pods.Items), component)
		}
		return err
	})
}
