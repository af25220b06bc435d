package hop

import "sync/atomic"

// Stats are counts since the start, and the present.
type Stats struct {
	// Requests that nginx sent.
	Requests uint64
	// Retries that the rules asked for, and Reconnects to another endpoint
	// because one could not be connected to.
	Retries    uint64
	Reconnects uint64
	// Timeouts were answered with 504, Failures with 502; BrokenOff were ended
	// in the middle of the response.
	Timeouts  uint64
	Failures  uint64
	BrokenOff uint64
	// Denied were not let in by an authorization server, or for want of its
	// verdict.
	Denied uint64
	// Copies are under way now, of requests that are mirrored, and CopyBacklog is
	// what they are behind these, in bytes. CopiesFailed did not get there whole,
	// or were not answered, although the request was complete.
	Copies       int64
	CopyBacklog  int64
	CopiesFailed uint64
	// Upgraded is the number of websockets now.
	Upgraded int64
	// Rules is the number of rules that are served.
	Rules int
}

type counts struct {
	requests, retries, reconnects, timeouts, failures, brokenOff, denied, copiesFailed atomic.Uint64
	copies, backlog                                                                    atomic.Int64
	upgraded                                                                           websockets
}

// Stats returns a copy.
func (s *Server) Stats() Stats {
	stats := Stats{
		Requests: s.counts.requests.Load(), Retries: s.counts.retries.Load(), Reconnects: s.counts.reconnects.Load(),
		Timeouts: s.counts.timeouts.Load(), Failures: s.counts.failures.Load(), BrokenOff: s.counts.brokenOff.Load(),
		Copies: s.counts.copies.Load(), CopyBacklog: s.counts.backlog.Load(), CopiesFailed: s.counts.copiesFailed.Load(),
		Denied: s.counts.denied.Load(),
	}
	for _, n := range s.Websockets() {
		stats.Upgraded += int64(n)
	}
	if current := s.live.Load().current; current != nil {
		stats.Rules = len(current.rules)
	}
	return stats
}
