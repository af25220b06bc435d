package corpus

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/compiler/explain"
	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

// TestExplanationsAreWhatNginxDoes explains every request of every case, and
// compares with what nginx answered when the case was recorded (TestCases has
// it answer again).
func TestExplanationsAreWhatNginxDoes(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob(filepath.Join(cases, "*.txtar"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases in %s: %v", cases, err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			requests, err := parseRequests(string(content(archive, "requests.txt")))
			if err != nil {
				t.Fatal(err)
			}
			recorded := recordedAnswers(string(content(archive, "responses.txt")))
			if len(recorded) != len(requests) {
				t.Fatalf("%d requests and %d responses", len(requests), len(recorded))
			}
			s, err := ReadCase(path)
			if err != nil {
				t.Fatal(err)
			}
			g := graph.Build(s)
			for i, r := range requests {
				if r.udp {
					// There is nothing in it to explain.
					continue
				}
				for _, answer := range recorded[i] {
					if fault := r.contradiction(g, answer); fault != "" {
						t.Errorf("%s: nginx said %q: %s", r.line, answer.text, fault)
					}
				}
			}
		})
	}
}

// recordedAnswer is one way in which a request was answered.
type recordedAnswer struct {
	text string
	// from is "nginx" or the namespace and name of a Service; empty where the
	// handshake was refused, "nobody" where the connection was closed.
	from     string
	status   string
	location string
}

var answerLine = regexp.MustCompile(`^    (?:\d+ times )?(?:(\d{3}) from (\S+)|TLS handshake refused|(connection closed))`)

func recordedAnswers(text string) [][]recordedAnswer {
	if text == "" {
		return nil
	}
	var all [][]recordedAnswer
	for block := range strings.SplitSeq(text, "\n\n") {
		var answers []recordedAnswer
		for line := range strings.Lines(block) {
			if m := answerLine.FindStringSubmatch(line); m != nil {
				answer := recordedAnswer{text: strings.TrimSpace(line), status: m[1], from: m[2]}
				if m[3] != "" {
					answer.from = "nobody"
				}
				answers = append(answers, answer)
			}
			if location, ok := strings.CutPrefix(line, "    < Location: "); ok {
				answers[len(answers)-1].location = strings.TrimSpace(location)
			}
		}
		all = append(all, answers)
	}
	return all
}

// contradiction says what the explanation says that the answer does not.
func (r request) contradiction(g graph.Graph, want recordedAnswer) string {
	gateway := g.Gateways[slices.IndexFunc(g.Gateways, func(x *graph.Gateway) bool {
		return x.Accepted.True && (r.gateway == "" || x.Key().String() == r.gateway)
	})]
	e, ok := explain.Of(gateway, g.Routes, r.explained())
	a := e.Answer
	asksBackends := a.Status == 0 && !a.Refused
	sentinels := map[string]uint16{"503": bundle.NoEndpointsPort, "500": bundle.InvalidBackendPort}
	switch {
	case !ok:
		return "explained as: nobody listens"
	case a.Unsure:
		return "it cannot be told"
	case a.Closed:
		return unless(want.from == "nobody", "explained as %+v", a)
	case want.from == "nobody" && asksBackends && e.PassedOnBy != nil:
		return unless(a.ClientCertificate || strings.Contains(a.Why, "BackendTLSPolicy") || routeHasEndpoint(g, *e.PassedOnBy, bundle.ClosedPort), "explained as %+v", a)
	case want.from == "nobody":
		return unless(a.ClientCertificate, "explained as %+v", a)
	case a.ClientCertificate && r.client == "":
		return "explained as closed without a certificate"
	case want.from == "":
		return unless(a.Refused, "explained as %+v", a)
	case want.from == "nginx" && asksBackends && want.status == "503" && a.MaxWebSockets > 0:
		return ""
	case want.from == "nginx" && asksBackends && want.status == "504":
		return unless(a.Deadline > 0, "explained as %+v", a)
	case want.from == "nginx" && asksBackends && want.status == "502":
		return unless(a.Encrypted || a.Authorizer != nil, "explained as %+v", a)
	case want.from == "nginx" && asksBackends && want.status == "413":
		return unless(a.Authorizer != nil, "explained as %+v", a)
	case a.Authorizer != nil && a.Authorizer.Service.String() == want.from:
		return ""
	case want.from == "nginx" && asksBackends:
		return unless(hasEndpoint(g, e.Winner, sentinels[want.status]), "explained as %+v", a)
	case want.from == "nginx":
		return unless(fmt.Sprint(a.Status) == want.status && a.Location == want.location, "explained as %+v", a)
	}
	return unless(asksBackends && slices.ContainsFunc(slices.Concat(a.Backends, a.Draining), func(b explain.Backend) bool {
		return b.Service.String() == want.from
	}), "explained as %+v", a)
}

func unless(holds bool, format string, values ...any) string {
	if holds {
		return ""
	}
	return fmt.Sprintf(format, values...)
}

// hasEndpoint says that some of the rule's requests go to the port.
func hasEndpoint(g graph.Graph, winner *explain.Rule, port uint16) bool {
	for _, route := range g.Routes {
		for _, rule := range route.Rules {
			if route.Key() == winner.Route && rule.Index == winner.Rule {
				return slices.ContainsFunc(rule.Upstream.Endpoints, func(e bundle.Endpoint) bool { return e.Port == port })
			}
		}
	}
	return false
}

// routeHasEndpoint says that some of the route's connections go to the port.
func routeHasEndpoint(g graph.Graph, key snapshot.RouteKey, port uint16) bool {
	for _, route := range g.Routes {
		for _, rule := range route.Rules {
			if route.Source.RouteKey() == key {
				return slices.ContainsFunc(rule.Upstream.Endpoints, func(e bundle.Endpoint) bool { return e.Port == port })
			}
		}
	}
	return false
}

// explained is the request as explain knows one.
func (r request) explained() explain.Request {
	url := "http://" + r.authority + r.target
	if strings.HasPrefix(r.target, "http") {
		url = r.target
	}
	out, err := explain.Parse(url)
	if err != nil {
		panic(err)
	}
	out.Method, out.Port, out.TLS, out.Headers = r.method, int32(r.port), r.tls, r.headers
	out.ServerName = strings.TrimPrefix(r.serverName, "-")
	return out
}
