package agent

import (
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// heartbeatLimit is how long the agent's loop may be silent before the kubelet
// is told that it hangs.
const heartbeatLimit = time.Minute

// health is what the probes ask for.
type health struct {
	draining  atomic.Bool
	heartbeat atomic.Int64
	nginx     *nginx
	applier   *applier
}

func (h *health) beat() { h.heartbeat.Store(time.Now().UnixNano()) }

// ready tells why the pod should get no traffic, or "".
func (h *health) unready() string {
	switch {
	case h.draining.Load():
		return "draining"
	case !h.applier.isLive():
		return "no bundle is live"
	case !h.nginx.running():
		return "nginx is not running"
	}
	return ""
}

// dead tells why the container should be restarted, or "".
func (h *health) dead() string {
	switch silence := time.Since(time.Unix(0, h.heartbeat.Load())); {
	case silence > heartbeatLimit:
		return "the agent's loop hangs"
	case !h.nginx.running() && !h.draining.Load():
		return "nginx is not running"
	}
	return ""
}

// healthServer serves the probes and the metrics, to anyone.
func healthServer(o Options, h *health, registry *prometheus.Registry) *http.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", probe(h.unready))
	mux.HandleFunc("GET /livez", probe(h.dead))
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second}))
	return &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      20 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(o.Logger.Handler(), slog.LevelDebug),
	}
}

func probe(reason func() string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if why := reason(); why != "" {
			http.Error(w, why, http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ok\n"))
	}
}
