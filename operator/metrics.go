package operator

import (
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

var (
	compileSeconds = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "gatewright_compile_seconds",
		Help:    "Time that the compiler takes for the whole cluster.",
		Buckets: []float64{.001, .003, .01, .03, .1, .3, 1, 3},
	})
	quarantinedRoutes = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "gatewright_quarantined_routes",
		Help: "Routes that are left out because nginx refuses their configuration.",
	})
)

func init() { metrics.Registry.MustRegister(compileSeconds, quarantinedRoutes) }
