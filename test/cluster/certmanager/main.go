// Command certmanager is cert-manager's controller, composed from its packages:
// the module that its release builds its command from cannot be required. The
// flags and their defaults are those of the release, as far as there are any.
//
// Left out are leader election, metrics, the webhook, the CA injector, and the
// issuers and shims that nothing here uses.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/cert-manager/cert-manager/pkg/controller"
	_ "github.com/cert-manager/cert-manager/pkg/controller/acmechallenges"
	_ "github.com/cert-manager/cert-manager/pkg/controller/acmeorders"
	shim "github.com/cert-manager/cert-manager/pkg/controller/certificate-shim/gateways"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/acme"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/approver"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/ca"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/selfsigned"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/issuing"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/keymanager"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/readiness"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/requestmanager"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/revisionmanager"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/trigger"
	_ "github.com/cert-manager/cert-manager/pkg/controller/clusterissuers"
	_ "github.com/cert-manager/cert-manager/pkg/controller/issuers"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/acme"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/ca"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/selfsigned"
	logf "github.com/cert-manager/cert-manager/pkg/logs"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/klog/v2"
)

// workers of each controller.
const workers = 5

type options struct {
	gatewayAPI       bool
	namespace        string
	solverImage      string
	http01Resolvers  string
	dns01Resolvers   string
	dns01Recursive   bool
	checkRetryPeriod time.Duration
	health           string
}

func main() {
	var o options
	flag.BoolVar(&o.gatewayAPI, "enable-gateway-api", false, "run the gateway shim, and solve HTTP-01 by HTTPRoutes")
	flag.StringVar(&o.namespace, "cluster-resource-namespace", "kube-system", "namespace of the Secrets of ClusterIssuers")
	flag.StringVar(&o.solverImage, "acme-http01-solver-image", "", "image of the pods that answer HTTP-01 challenges")
	flag.StringVar(&o.http01Resolvers, "acme-http01-solver-nameservers", "", "name servers of HTTP-01 self-checks, comma-separated host:port")
	flag.StringVar(&o.dns01Resolvers, "dns01-recursive-nameservers", "", "name servers of DNS-01 self-checks, comma-separated host:port")
	flag.BoolVar(&o.dns01Recursive, "dns01-recursive-nameservers-only", false, "do not ask the authoritative name servers in DNS-01 self-checks")
	flag.DurationVar(&o.checkRetryPeriod, "dns01-check-retry-period", 10*time.Second, "pause between two self-checks")
	flag.StringVar(&o.health, "internal-healthz-listen-address", "0.0.0.0:9403", "where /livez answers once the controllers run")
	klog.InitFlags(nil)
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(logf.NewContext(ctx, klog.Background()), o); err != nil {
		fmt.Fprintf(os.Stderr, "certmanager: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	factory, err := controller.NewContextFactory(ctx, o.context())
	if err != nil {
		return fmt.Errorf("prepare the controllers: %w", err)
	}
	base, err := factory.Build()
	if err != nil {
		return fmt.Errorf("prepare the informers: %w", err)
	}
	group, ctx := errgroup.WithContext(ctx)
	for name, construct := range controller.Known() {
		if name == shim.ControllerName && !o.gatewayAPI {
			continue
		}
		started, err := construct(factory)
		if err != nil {
			return fmt.Errorf("construct controller %s: %w", name, err)
		}
		group.Go(func() error {
			if err := started.Run(workers, ctx); err != nil {
				return fmt.Errorf("controller %s: %w", name, err)
			}
			return nil
		})
	}
	// The controllers have asked for their informers when they were constructed.
	base.SharedInformerFactory.Start(ctx.Done())
	base.KubeSharedInformerFactory.Start(ctx.Done())
	base.HTTP01ResourceMetadataInformersFactory.Start(ctx.Done())
	if o.gatewayAPI {
		base.GWShared.Start(ctx.Done())
	}
	group.Go(func() error { return serveHealth(ctx, o.health) })
	return group.Wait()
}

func (o options) context() controller.ContextOptions {
	return controller.ContextOptions{
		KubernetesAPIQPS:   20,
		KubernetesAPIBurst: 50,
		IssuerOptions:      controller.IssuerOptions{ClusterResourceNamespace: o.namespace},
		ConfigOptions:      controller.ConfigOptions{EnableGatewayAPI: o.gatewayAPI},
		SchedulerOptions:   controller.SchedulerOptions{MaxConcurrentChallenges: 60},
		ACMEOptions: controller.ACMEOptions{
			HTTP01SolverImage:                 o.solverImage,
			HTTP01SolverResourceRequestCPU:    resource.MustParse("10m"),
			HTTP01SolverResourceRequestMemory: resource.MustParse("64Mi"),
			HTTP01SolverResourceLimitsCPU:     resource.MustParse("100m"),
			HTTP01SolverResourceLimitsMemory:  resource.MustParse("64Mi"),
			ACMEHTTP01SolverRunAsNonRoot:      true,
			HTTP01SolverNameservers:           list(o.http01Resolvers),
			DNS01Nameservers:                  list(o.dns01Resolvers),
			DNS01CheckAuthoritative:           !o.dns01Recursive,
			DNS01CheckRetryPeriod:             o.checkRetryPeriod,
		},
		CertificateOptions: controller.CertificateOptions{
			CopiedAnnotationPrefixes:                 []string{"*", "-kubectl.kubernetes.io/", "-fluxcd.io/", "-argocd.argoproj.io/"},
			CertificateRequestMinimumBackoffDuration: time.Hour,
			CertificateRequestMaximumBackoffDuration: 32 * time.Hour,
		},
		IngressShimOptions: controller.IngressShimOptions{
			DefaultIssuerKind:                 "Issuer",
			DefaultIssuerGroup:                "cert-manager.io",
			DefaultAutoCertificateAnnotations: []string{"kubernetes.io/tls-acme"},
		},
	}
}

func list(commaSeparated string) []string {
	if commaSeparated == "" {
		return nil
	}
	return strings.Split(commaSeparated, ",")
}

// serveHealth answers until ctx ends.
func serveHealth(ctx context.Context, address string) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen for health checks: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(http.ResponseWriter, *http.Request) {})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("answer health checks: %w", err)
	}
	return nil
}
