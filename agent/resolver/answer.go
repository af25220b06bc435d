package resolver

import (
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
)

const (
	targetTTL = 86400
	// maxUDP is the size of nginx's buffer for an answer over UDP.
	maxUDP = 4096
)

func (s *Server) serveDNS(w dns.ResponseWriter, query *dns.Msg) {
	question := query.Question[0]
	name := strings.ToLower(question.Name)
	s.count(question.Qtype)
	if source, ok := w.RemoteAddr().(*net.UDPAddr); ok {
		s.outbox.asked(source.AddrPort(), time.Now())
	}
	if id, ok := upstreamOf(name); ok && question.Qtype == dns.TypeSRV {
		s.serveSRV(w, query, id)
		return
	}
	reply := new(dns.Msg).SetReply(query)
	reply.Authoritative = true
	reply.Compress = true
	addresses, known := s.addresses(name)
	switch {
	case known:
		reply.Answer = addressRecords(question, addresses)
	case strings.HasSuffix(name, "."+setZone):
		// nginx keeps the peers it has when a server fails; an empty answer
		// would take them away.
		reply.Rcode = dns.RcodeServerFailure
	case !strings.HasSuffix(name, ".gatewright."):
		reply.Rcode = dns.RcodeRefused
	}
	s.send(w, reply)
}

func (s *Server) count(kind uint16) {
	label := "other"
	switch kind {
	case dns.TypeSRV, dns.TypeA, dns.TypeAAAA:
		label = strings.ToLower(dns.TypeToString[kind])
	}
	s.mu.Lock()
	s.stats.Queries[label]++
	s.mu.Unlock()
}

func (s *Server) addresses(name string) ([]netip.Addr, bool) {
	if address, ok := addressOf(name); ok {
		return []netip.Addr{address}, true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	set, ok := s.sets[name]
	return set.addresses, ok
}

func (s *Server) serveSRV(w dns.ResponseWriter, query *dns.Msg, id string) {
	answer := func(r *record) { s.send(w, srvReply(query, r)) }
	s.mu.Lock()
	current := s.record(id)
	decision := answerNow
	// Over TCP nginx asks only because its answer over UDP, which was already
	// held if need be, was cut short.
	if source, ok := w.RemoteAddr().(*net.UDPAddr); ok {
		decision = s.ledger.ask(question{key{source.AddrPort(), id}, query.Id, current.digest, answer}, time.Now())
	}
	if decision == drop {
		s.stats.Repeated++
	}
	s.mu.Unlock()
	if decision == answerNow {
		answer(current)
	}
}

func srvReply(query *dns.Msg, r *record) *dns.Msg {
	reply := new(dns.Msg).SetReply(query)
	reply.Authoritative = true
	reply.Compress = true
	for _, t := range r.targets {
		reply.Answer = append(reply.Answer, &dns.SRV{
			Hdr:    dns.RR_Header{Name: query.Question[0].Name, Rrtype: dns.TypeSRV, Class: dns.ClassINET},
			Target: t.name, Port: t.port, Weight: t.weight,
		})
	}
	return reply
}

// addressRecords are those addresses that are of the family asked for.
func addressRecords(question dns.Question, addresses []netip.Addr) []dns.RR {
	header := dns.RR_Header{Name: question.Name, Rrtype: question.Qtype, Class: dns.ClassINET, Ttl: targetTTL}
	var records []dns.RR
	for _, address := range addresses {
		switch {
		case question.Qtype == dns.TypeA && address.Is4():
			records = append(records, &dns.A{Hdr: header, A: address.AsSlice()})
		case question.Qtype == dns.TypeAAAA && address.Is6():
			records = append(records, &dns.AAAA{Hdr: header, AAAA: address.AsSlice()})
		}
	}
	return records
}

func (s *Server) send(w dns.ResponseWriter, reply *dns.Msg) {
	write := func() {
		if err := w.WriteMsg(reply); err != nil {
			// A worker that has gone, or a lost answer; nginx asks again.
			s.options.Logger.Debug("answer DNS query", "name", reply.Question[0].Name, "error", err)
		}
	}
	source, ok := w.RemoteAddr().(*net.UDPAddr)
	if !ok {
		write()
		return
	}
	size := reply.Len()
	if size > maxUDP {
		reply.Answer, reply.Truncated = nil, true
		size = reply.Len()
	}
	s.outbox.post(source.AddrPort(), packet{size, write})
}
