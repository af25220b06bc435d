package admission

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gatewright/gatewright/test/acme"
	"github.com/gatewright/gatewright/test/homelab"
)

// patience bounds how long the webhook may take to know what was applied.
const patience = 30 * time.Second

var (
	// lab is what all tests share: they run one after the other, and remove what
	// they apply.
	lab *homelab.Lab
	// api is the API server, as a client sees it that keeps the warnings.
	api listeningClient
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if lab, err = homelab.Up(ctx, homelab.Options{Log: os.Stderr, Replace: true, Channel: homelab.Experimental}); err != nil {
		fmt.Fprintln(os.Stderr, "bring up the lab:", err)
		return 1
	}
	defer func() {
		if err := lab.Down(); err != nil {
			fmt.Fprintln(os.Stderr, "end the lab:", err)
		}
	}()
	if err := prepare(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "prepare the lab:", err)
		return 1
	}
	return m.Run()
}

// prepare stops the operator, which has made the webhook's certificate by now,
// and has the kinds of the cases known.
func prepare(ctx context.Context) error {
	if err := acme.InstallKinds(ctx, lab); err != nil {
		return err
	}
	if err := stopOperator(ctx); err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags("", lab.Cluster.Kubeconfig())
	if err != nil {
		return err
	}
	api.heard = &warnings{}
	config.WarningHandler = api.heard
	config.QPS, config.Burst = 200, 400
	api.Client, err = client.New(config, client.Options{})
	return err
}

func stopOperator(ctx context.Context) error {
	_, err := lab.Kubectl(ctx, "scale", "--namespace", homelab.Namespace, "deployment/gatewright-operator", "--replicas=0")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return homelab.Eventually(ctx, func(ctx context.Context) error {
		var pods corev1.PodList
		err := lab.Client.List(ctx, &pods, client.InNamespace(homelab.Namespace),
			client.MatchingLabels{"app.kubernetes.io/component": "operator"})
		if err == nil && len(pods.Items) > 0 {
			return errors.New("the operator still runs")
		}
		return err
	})
}

// warnings keeps what the API server warns of.
type warnings struct {
	mu   sync.Mutex
	said []string
}

// HandleWarningHeader implements rest.WarningHandler.
func (w *warnings) HandleWarningHeader(_ int, _, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said = append(w.said, text)
}

func (w *warnings) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	said := w.said
	w.said = nil
	return said
}

// listeningClient tells what it was warned of.
type listeningClient struct {
	client.Client
	heard *warnings
}

// create creates an object for the time of the test. What is to be refused is
// tried until it is, or patience ends: the webhook may not have heard yet of what
// was created before.
func (c listeningClient) create(t *testing.T, o *unstructured.Unstructured, refused bool) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var refusal error
	created := homelab.Eventually(ctx, func(ctx context.Context) error {
		tried := o.DeepCopy()
		if refusal = c.Create(ctx, tried, dryIf(refused)...); refusal == nil && refused {
			return errors.New("it is admitted")
		}
		if status, ok := o.Object["status"]; ok && refusal == nil {
			tried.Object["status"] = status
			return c.Status().Update(ctx, tried)
		}
		return nil
	})
	if refusal != nil || created != nil {
		return refusal
	}
	t.Cleanup(func() {
		if err := client.IgnoreNotFound(c.Delete(context.Background(), o)); err != nil {
			t.Error(err)
		}
	})
	return nil
}

func dryIf(dry bool) []client.CreateOption {
	if dry {
		return []client.CreateOption{client.DryRunAll}
	}
	return nil
}

// ask returns what the API server warns of if the object were applied as it is.
func (c listeningClient) ask(ctx context.Context, o *unstructured.Unstructured) ([]string, error) {
	current := &unstructured.Unstructured{}
	current.SetGroupVersionKind(o.GroupVersionKind())
	if err := c.Get(ctx, client.ObjectKeyFromObject(o), current); err != nil {
		return nil, err
	}
	c.heard.take()
	if err := c.Update(ctx, current, client.DryRunAll); err != nil {
		return nil, err
	}
	return c.heard.take(), nil
}

// has says whether one of the sentences is the wanted one, which the webhook may
// have cut.
func has(said []string, wanted string) bool {
	return slices.ContainsFunc(said, func(s string) bool {
		return s == wanted || strings.HasSuffix(s, "…") && strings.HasPrefix(wanted, strings.TrimSuffix(s, "…"))
	})
}
