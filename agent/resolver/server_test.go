package resolver_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/gatewright/gatewright/agent/resolver"
	"github.com/gatewright/gatewright/compiler/bundle"
)

// never is a hold that no test outlives.
const never = time.Hour

func serve(t *testing.T, hold time.Duration) *resolver.Server {
	t.Helper()
	var s *resolver.Server
	err := errors.New("not tried")
	// A port that is free for UDP may be taken for TCP.
	for tries := 0; err != nil; tries++ {
		if s, err = resolver.Listen(t.Context(), resolver.Options{Address: "127.0.0.1:0", Hold: hold}); tries > 10 {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	return s
}

// source is a socket with a port of its own, as an nginx worker has it.
type source struct {
	t *testing.T
	c *dns.Conn
}

func newSource(t *testing.T, s *resolver.Server) source {
	t.Helper()
	c, err := net.Dial("udp", s.Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return source{t, &dns.Conn{Conn: c, UDPSize: 4096}}
}

func query(name string, kind uint16) *dns.Msg { return new(dns.Msg).SetQuestion(name, kind) }

func srv(id string) *dns.Msg { return query("_http._tcp."+id+".upstream.gatewright.", dns.TypeSRV) }

func (s source) send(m *dns.Msg) {
	s.t.Helper()
	if err := s.c.WriteMsg(m); err != nil {
		s.t.Fatal(err)
	}
}

func (s source) receive() *dns.Msg {
	s.t.Helper()
	_ = s.c.SetReadDeadline(time.Now().Add(30 * time.Second))
	m, err := s.c.ReadMsg()
	if err != nil {
		s.t.Fatal(err)
	}
	return m
}

func (s source) ask(m *dns.Msg) *dns.Msg {
	s.t.Helper()
	s.send(m)
	return s.receive()
}

func targets(m *dns.Msg) []string {
	var list []string
	for _, rr := range m.Answer {
		if r, ok := rr.(*dns.SRV); ok {
			list = append(list, fmt.Sprintf("%s:%d weight %d ttl %d", r.Target, r.Port, r.Weight, r.Hdr.Ttl))
		}
	}
	return list
}

func table(id string, endpoints ...bundle.Endpoint) []bundle.Upstream {
	return []bundle.Upstream{{ID: id, Endpoints: endpoints}}
}

var (
	one  = bundle.Endpoint{Address: "10.0.0.1", Port: 8080, Weight: 1}
	two  = bundle.Endpoint{Address: "fd00::2", Port: 9090, Weight: 7}
	none = []string{"127-0-0-1.ip.gatewright.:29503 weight 1 ttl 0"}
)

func TestSRVAnswerHasEveryEndpointWithPortAndWeight(t *testing.T) {
	t.Parallel()
	s := serve(t, never)
	s.Update(table("web", one, two))
	want := []string{
		"10-0-0-1.ip.gatewright.:8080 weight 1 ttl 0",
		"fd00-0000-0000-0000-0000-0000-0000-0002.ip.gatewright.:9090 weight 7 ttl 0",
	}
	if diff := cmp.Diff(want, targets(newSource(t, s).ask(srv("web")))); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestAnswerIsNeverEmptyNorNXDOMAIN(t *testing.T) {
	t.Parallel()
	s := serve(t, never)
	s.Update([]bundle.Upstream{{ID: "empty"}, {ID: "weightless", Endpoints: []bundle.Endpoint{{Address: "10.0.0.1", Port: 1}}}})
	for _, id := range []string{"empty", "weightless", "unknown"} {
		m := newSource(t, s).ask(srv(id))
		if diff := cmp.Diff(none, targets(m)); diff != "" || m.Rcode != dns.RcodeSuccess {
			t.Errorf("%s: %s, -want +got\n%s", id, dns.RcodeToString[m.Rcode], diff)
		}
	}
}

// ways are those to change one upstream of a table.
var ways = map[string]func(s *resolver.Server, changed, others []bundle.Upstream){
	"as a table": func(s *resolver.Server, changed, others []bundle.Upstream) { s.Update(slices.Concat(changed, others)) },
	"singly":     func(s *resolver.Server, changed, _ []bundle.Upstream) { s.Change(changed) },
}

func TestHeldQueryIsAnsweredByAChangeOfItsUpstreamAlone(t *testing.T) {
	t.Parallel()
	for name, change := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, never)
			s.Update(slices.Concat(table("api", one), table("web", one)))
			web := newSource(t, s)
			web.ask(srv("web"))
			web.ask(srv("api"))
			held := map[uint16]string{}
			for _, id := range []string{"web", "api"} {
				m := srv(id)
				held[m.Id] = id
				web.send(m)
			}
			await(t, s, 2)

			change(s, table("web", two), table("api", one))

			m := web.receive()
			if held[m.Id] != "web" || len(targets(m)) != 1 {
				t.Errorf("answered %q with %v", held[m.Id], targets(m))
			}
			await(t, s, 1)
			if stats := s.Stats(); stats.Upstreams != 2 || stats.Endpoints != 2 {
				t.Errorf("%d upstreams with %d endpoints, want 2 with 2", stats.Upstreams, stats.Endpoints)
			}
		})
	}
}

// await waits until so many queries are held.
func await(t *testing.T, s *resolver.Server, held int) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); s.Stats().Held != held; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d queries are held, want %d", s.Stats().Held, held)
		}
	}
}

func TestHeldQueryIsAnsweredWithTheSameWhenItsTimeIsOver(t *testing.T) {
	t.Parallel()
	s := serve(t, time.Second)
	s.Update(table("web", one))
	web := newSource(t, s)
	first := targets(web.ask(srv("web")))
	if diff := cmp.Diff(first, targets(web.ask(srv("web")))); diff != "" {
		t.Errorf("-first +second\n%s", diff)
	}
}

func TestRetransmissionsOfAHeldQueryGetOneAnswer(t *testing.T) {
	t.Parallel()
	s := serve(t, never)
	s.Update(table("web", one))
	web := newSource(t, s)
	web.ask(srv("web"))
	again := srv("web")
	for range 3 {
		web.send(again)
	}
	for s.Stats().Repeated < 2 {
		time.Sleep(time.Millisecond)
	}
	s.Update(table("web", two))
	if got := web.receive(); got.Id != again.Id {
		t.Errorf("answered query %d, want %d", got.Id, again.Id)
	}
	next := srv("web")
	web.send(next)
	s.Update(table("web", one))
	if got := web.receive(); got.Id != next.Id {
		t.Errorf("a retransmission was answered as well")
	}
}

func TestAfterForgetTheNextQueryIsAnsweredAtOnce(t *testing.T) {
	t.Parallel()
	s := serve(t, never)
	// Workers that drain still use the second one; new ones never ask for it.
	s.Update(append(table("web", one), table("carried", two)...))
	web := newSource(t, s)
	web.ask(srv("web"))
	s.Forget(table("web", one))
	if s.Unasked() != 1 {
		t.Errorf("%d upstreams are unasked, want 1", s.Unasked())
	}
	web.ask(srv("web"))
	if s.Unasked() != 0 {
		t.Errorf("%d upstreams are unasked, want none", s.Unasked())
	}
}

func TestAddressHasItsOwnFamilyOnlyAndTheOtherIsNoData(t *testing.T) {
	t.Parallel()
	s := serve(t, never)
	for name, want := range map[string]map[uint16]int{
		"10-0-0-1.ip.gatewright.":                                {dns.TypeA: 1, dns.TypeAAAA: 0},
		"fd00-0000-0000-0000-0000-0000-0000-0002.ip.gatewright.": {dns.TypeA: 0, dns.TypeAAAA: 1},
	} {
		for kind, n := range want {
			m := newSource(t, s).ask(query(name, kind))
			if len(m.Answer) != n || m.Rcode != dns.RcodeSuccess {
				t.Errorf("%s %s: %s, %d answers, want %d", dns.TypeToString[kind], name, dns.RcodeToString[m.Rcode], len(m.Answer), n)
			}
			for _, rr := range m.Answer {
				if rr.Header().Ttl != 86400 {
					t.Errorf("%s has TTL %d", name, rr.Header().Ttl)
				}
			}
		}
	}
}

func TestLargeAnswerIsTruncatedOverUDPAndCompleteOverTCP(t *testing.T) {
	t.Parallel()
	s := serve(t, never)
	var endpoints []bundle.Endpoint
	for i := range 200 {
		endpoints = append(endpoints, bundle.Endpoint{Address: fmt.Sprintf("10.0.0.%d", i), Port: 80, Weight: 1})
	}
	s.Update(table("web", endpoints...))
	m := newSource(t, s).ask(srv("web"))
	if !m.Truncated || len(m.Answer) != 0 {
		t.Errorf("over UDP: truncated %v with %d records", m.Truncated, len(m.Answer))
	}
	full, _, err := (&dns.Client{Net: "tcp"}).ExchangeContext(t.Context(), srv("web"), s.Address())
	if err != nil || len(full.Answer) != 200 {
		t.Errorf("over TCP: %d records, %v", len(full.Answer), err)
	}
}

func TestSetThatHasJustBeenReplacedIsStillAnswered(t *testing.T) {
	t.Parallel()
	for name, change := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, never)
			var endpoints []bundle.Endpoint
			for i := range 600 {
				endpoints = append(endpoints, bundle.Endpoint{Address: fmt.Sprintf("10.0.%d.%d", i/256, i%256), Port: 80, Weight: 1})
			}
			s.Update(table("web", one))
			change(s, table("web", endpoints...), nil)
			web := newSource(t, s)
			told := web.ask(srv("web"))
			change(s, table("web", one), nil)
			total := 0
			for _, rr := range told.Answer {
				total += len(web.ask(query(rr.(*dns.SRV).Target, dns.TypeA)).Answer)
			}
			if total != 600 {
				t.Errorf("the sets have %d addresses, want 600", total)
			}
			if m := web.ask(query("0123456789abcdef.set.gatewright.", dns.TypeA)); m.Rcode != dns.RcodeServerFailure {
				t.Errorf("an unknown set: %s, want a failure, at which nginx keeps its peers", dns.RcodeToString[m.Rcode])
			}
		})
	}
}

func TestRowOfQueriesLongerThanASocketsBufferLosesNoAnswer(t *testing.T) {
	t.Parallel()
	s := serve(t, never)
	web := newSource(t, s)
	asked := map[uint16]bool{}
	// As nginx does: all queries first, then the answers.
	const row = 600
	for i := range row {
		m := query(fmt.Sprintf("10-0-%d-%d.ip.gatewright.", i/256, i%256), dns.TypeA)
		m.Id = uint16(i)
		asked[m.Id] = true
		web.send(m)
	}
	for range row {
		delete(asked, web.receive().Id)
	}
	if len(asked) != 0 {
		t.Errorf("%d queries have no answer", len(asked))
	}
}

func TestForeignNamesAreRefused(t *testing.T) {
	t.Parallel()
	s := serve(t, never)
	if m := newSource(t, s).ask(query("example.org.", dns.TypeA)); m.Rcode != dns.RcodeRefused {
		t.Errorf("answered %s", dns.RcodeToString[m.Rcode])
	}
}
