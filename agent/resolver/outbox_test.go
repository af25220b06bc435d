package resolver

import (
	"testing"
	"time"
)

func TestWhatWasSentIsLetGo(t *testing.T) {
	t.Parallel()
	o := newOutbox()
	o.asked(worker, time.Now())
	sent := make(chan struct{}, 100)
	for range cap(sent) {
		o.post(worker, packet{4096, func() { sent <- struct{}{} }})
	}
	for range cap(sent) {
		<-sent
	}
	for {
		o.mu.Lock()
		s := o.sources[worker]
		draining, kept := s.draining, cap(s.waiting)
		o.mu.Unlock()
		if !draining {
			if kept > 0 {
				t.Errorf("room for %d packets is kept", kept)
			}
			return
		}
		time.Sleep(quiet)
	}
}
