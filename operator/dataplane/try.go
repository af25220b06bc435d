package dataplane

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/types"

	"github.com/gatewright/gatewright/compiler/bundle"
)

var errUnknown = errors.New("the Gateway is not known")

// Trial is the sole right to say what the pods of a Gateway are to serve.
type Trial struct{ gateway *gateway }

// Try takes the Gateway over: until End, Want has no effect on it.
func (f *Fleet) Try(key types.NamespacedName) (*Trial, error) {
	g := f.gateway(key)
	if g == nil {
		return nil, fmt.Errorf("try bundles on Gateway %s: %w", key, errUnknown)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held = true
	return &Trial{gateway: g}, nil
}

// End gives the Gateway back: what Want says next counts.
func (t *Trial) End() {
	t.gateway.mu.Lock()
	defer t.gateway.mu.Unlock()
	t.gateway.held = false
}

// Offer has the pods try a bundle, and returns the refusal of the first that
// answers; nil if that pod serves it now. It fails when ctx ends before any pod
// has answered.
func (t *Trial) Offer(ctx context.Context, o *Offer) (*bundle.Refusal, error) {
	g := t.gateway
	g.mu.Lock()
	g.replace(o)
	g.mu.Unlock()
	for {
		workers, _, news := g.all()
		for _, w := range workers {
			_, _, state := w.last()
			if state.Hash == o.Hash {
				return nil, nil
			}
			if state.Refused != nil && state.Refused.Hash == o.Hash {
				return state.Refused, nil
			}
		}
		select {
		case <-news:
		case <-ctx.Done():
			return nil, fmt.Errorf("try a bundle on Gateway %s: %w", g.key, ctx.Err())
		}
	}
}
