package agent

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatewright/gatewright/agent/hop"
	"github.com/gatewright/gatewright/agent/resolver"
)

// counters are what only the agent's own steps can count.
type counters struct {
	reloadFailures prometheus.Counter
	lastApply      prometheus.Gauge
}

func newCounters() *counters {
	return &counters{
		reloadFailures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "gatewright_agent_reload_failures_total",
			Help: "Configurations that nginx did not take.",
		}),
		lastApply: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "gatewright_agent_last_apply_duration_seconds",
			Help: "How long the last bundle took, from its arrival to being live or refused.",
		}),
	}
}

func (c *counters) reloadFailed()           { c.reloadFailures.Inc() }
func (c *counters) applied(d time.Duration) { c.lastApply.Set(d.Seconds()) }

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

var (
	reloadsDesc    = describe("gatewright_agent_reloads_total", "Reloads of nginx that brought a bundle live.")
	applyingDesc   = describe("gatewright_agent_applying", "1 while a bundle is being brought live.")
	bundleDesc     = describe("gatewright_agent_bundle_info", "The live configuration; 1.", "config_hash")
	generationDesc = describe("gatewright_agent_bundle_generation", "The Gateway's metadata.generation of the live bundle.")
	upstreamsDesc  = describe("gatewright_agent_upstreams", "Upstreams in the endpoint table.")
	endpointsDesc  = describe("gatewright_agent_endpoints", "Endpoints in the endpoint table.")
	queriesDesc    = describe("gatewright_agent_dns_queries_total", "DNS queries of nginx.", "kind")
	repeatedDesc   = describe("gatewright_agent_dns_queries_repeated_total", "Retransmitted DNS queries, dropped.")
	heldDesc       = describe("gatewright_agent_dns_queries_held", "DNS queries that wait for a change of endpoints.")

	hopRequestsDesc   = describe("gatewright_hop_requests_total", "Requests of rules that need the hop.")
	hopRetriesDesc    = describe("gatewright_hop_retries_total", "Attempts after the first that rules asked for.")
	hopErrorsDesc     = describe("gatewright_hop_errors_total", "Requests without a whole response: timeout (504), failure (502), broken_off.", "kind")
	hopDeniedDesc     = describe("gatewright_hop_denied_total", "Requests that an authorization server did not let in, or could not be asked about.")
	hopCopiesDesc     = describe("gatewright_hop_copies", "Copies of calls that are under way.")
	hopLostCopiesDesc = describe("gatewright_hop_copies_failed_total", "Copies of calls that mirrors did not get whole, or did not answer.")
	hopWebsocketsDesc = describe("gatewright_hop_websockets", "Upgraded connections through the hop.")

	restartsDesc    = describe("gatewright_nginx_restarts_total", "Restarts of nginx after an exit that nobody asked for.")
	upDesc          = describe("gatewright_nginx_up", "1 if nginx's status server answers.")
	drainingDesc    = describe("gatewright_nginx_draining_workers", "Worker processes that only finish old connections.")
	socketsDesc     = describe("gatewright_nginx_draining_websockets", "Websockets and other long connections through those.")
	connectionsDesc = describe("gatewright_nginx_connections", "Client connections.", "state")
	acceptedDesc    = describe("gatewright_nginx_connections_accepted_total", "Accepted client connections.")
	handledDesc     = describe("gatewright_nginx_connections_handled_total", "Handled client connections.")
	requestsDesc    = describe("gatewright_nginx_http_requests_total", "Client requests.")
)

// collector reads the rest when it is asked.
type collector struct {
	applier  *applier
	nginx    *nginx
	resolver *resolver.Server
	hop      *hop.Server
	counters *counters
}

func newRegistry(c *collector) (*prometheus.Registry, error) {
	registry := prometheus.NewRegistry()
	for _, metric := range []prometheus.Collector{c, c.counters.reloadFailures, c.counters.lastApply, c.nginx.drains.cut} {
		if err := registry.Register(metric); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	return registry, nil
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		reloadsDesc, applyingDesc, bundleDesc, generationDesc, upstreamsDesc, endpointsDesc, queriesDesc, repeatedDesc, heldDesc,
		hopRequestsDesc, hopRetriesDesc, hopErrorsDesc, hopDeniedDesc, hopCopiesDesc, hopLostCopiesDesc, hopWebsocketsDesc,
		restartsDesc, upDesc, drainingDesc, socketsDesc, connectionsDesc, acceptedDesc, handledDesc, requestsDesc,
	} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	count := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	state := c.applier.state()
	count(reloadsDesc, float64(state.Reloads))
	gauge(applyingDesc, float64(len(c.applier.slot)))
	if state.ConfigHash != "" {
		gauge(bundleDesc, 1, state.ConfigHash)
	}
	gauge(generationDesc, float64(state.Generation))
	dns := c.resolver.Stats()
	gauge(upstreamsDesc, float64(dns.Upstreams))
	gauge(endpointsDesc, float64(dns.Endpoints))
	gauge(heldDesc, float64(dns.Held))
	count(repeatedDesc, float64(dns.Repeated))
	for kind, n := range dns.Queries {
		count(queriesDesc, float64(n), kind)
	}
	if through := c.hop.Stats(); through.Rules > 0 || through.Requests > 0 {
		count(hopRequestsDesc, float64(through.Requests))
		count(hopRetriesDesc, float64(through.Retries))
		count(hopErrorsDesc, float64(through.Timeouts), "timeout")
		count(hopErrorsDesc, float64(through.Failures), "failure")
		count(hopErrorsDesc, float64(through.BrokenOff), "broken_off")
		count(hopDeniedDesc, float64(through.Denied))
		gauge(hopCopiesDesc, float64(through.Copies))
		count(hopLostCopiesDesc, float64(through.CopiesFailed))
		gauge(hopWebsocketsDesc, float64(through.Upgraded))
	}
	count(restartsDesc, float64(c.nginx.restartCount()))
	draining := drainingOf(c.nginx.observe())
	gauge(drainingDesc, float64(len(draining)))
	gauge(socketsDesc, float64(c.nginx.websockets(draining).sum()))
	c.collectStatus(count, gauge)
}

func (c *collector) collectStatus(count, gauge func(*prometheus.Desc, float64, ...string)) {
	ctx, cancel := context.WithTimeout(context.Background(), statusTimeout)
	defer cancel()
	text, err := c.nginx.status.get(ctx, "/stub_status")
	if err != nil {
		gauge(upDesc, 0)
		return
	}
	s, err := parseStubStatus(text)
	if err != nil {
		gauge(upDesc, 0)
		return
	}
	gauge(upDesc, 1)
	gauge(connectionsDesc, s.active, "active")
	gauge(connectionsDesc, s.reading, "reading")
	gauge(connectionsDesc, s.writing, "writing")
	gauge(connectionsDesc, s.waiting, "waiting")
	count(acceptedDesc, s.accepted)
	count(handledDesc, s.handled)
	count(requestsDesc, s.requests)
}

// stubStatus is the content of nginx's stub_status page.
type stubStatus struct {
	active, accepted, handled, requests, reading, writing, waiting float64
}

func parseStubStatus(text string) (stubStatus, error) {
	var s stubStatus
	_, err := fmt.Fscanf(strings.NewReader(text),
		"Active connections: %f \nserver accepts handled requests\n %f %f %f \nReading: %f Writing: %f Waiting: %f",
		&s.active, &s.accepted, &s.handled, &s.requests, &s.reading, &s.writing, &s.waiting)
	if err != nil {
		return s, fmt.Errorf("read nginx's stub_status: %w", err)
	}
	return s, nil
}
