package dataplane

import (
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

var pushes = prometheus.NewCounterVec(prometheus.CounterOpts{
	Name: "gatewright_bundle_pushes_total",
	Help: "Bundles that nginx pods have answered, by verdict (applied, refused).",
}, []string{"verdict"})

func init() { metrics.Registry.MustRegister(pushes) }

func verdict(applied bool) string {
	if applied {
		return "applied"
	}
	return "refused"
}
