package dataplane

import (
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

var pushes = prometheus.NewCounterVec(prometheus.CounterOpts{
	Name: "gatewright_bundle_pushes_total",
	Help: "Bundles that nginx pods have answered, by verdict (applied, refused).",
}, []string{"verdict"})

var patches = prometheus.NewCounter(prometheus.CounterOpts{
	Name: "gatewright_endpoint_patches_total",
	Help: "Changes of endpoints that nginx pods have taken without a whole bundle.",
})

func init() { metrics.Registry.MustRegister(pushes, patches) }

func verdict(applied bool) string {
	if applied {
		return "applied"
	}
	return "refused"
}
