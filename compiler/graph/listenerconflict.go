package graph

import (
	"fmt"
	"slices"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/diagnostic"
)

// findConflicts refuses the listeners that are not distinct. Of one object's own
// none wins (Gateway API, "Handling indistinct Listeners"); between objects the
// Gateway's win, then those of the ListenerSet that comes first (GEP-1713).
// Listeners of protocols that are not supported are in nobody's way, nor are
// those that have lost.
func (b *builder) findConflicts(g *Gateway) {
	var taken []*Listener
	for _, own := range byOwner(g.Listeners) {
		left := slices.DeleteFunc(own, func(l *Listener) bool {
			finding, to := firstConflict(l, taken)
			if finding != nil {
				b.refuse(l, lost(l, to, *finding))
			}
			return finding != nil || hasUnknownProtocol(l)
		})
		for _, l := range left {
			if finding, _ := firstConflict(l, left); finding != nil {
				b.refuse(l, *finding)
			}
		}
		for _, l := range left {
			if len(taken) == maxListeners {
				b.refuseSurplus(l)
				continue
			}
			taken = append(taken, l)
		}
	}
}

func hasUnknownProtocol(l *Listener) bool {
	return len(l.SupportedKinds) == 0 && l.Accepted.Reason == string(gatewayv1.ListenerReasonUnsupportedProtocol)
}

// byOwner cuts the list where another owner's listeners begin.
func byOwner(all []*Listener) [][]*Listener {
	var out [][]*Listener
	for i, l := range all {
		if l.Index == 0 || i == 0 {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], l)
	}
	return out
}

func firstConflict(l *Listener, others []*Listener) (*diagnostic.Diagnostic, *Listener) {
	for _, other := range others {
		if finding := conflict(l, other); finding != nil {
			return finding, other
		}
	}
	return nil, nil
}

// refuse says that the listener clashes with another. That another one was first
// tells more than that the protocol would not be served either.
func (b *builder) refuse(l *Listener, finding diagnostic.Diagnostic) {
	b.reportOf(l.Owner, finding)
	l.Conflicted = yes(finding.Reason, finding.String())
	if l.Accepted.True || hasUnknownProtocol(l) {
		l.Accepted = no(finding.Reason, finding.String())
	}
}

func (b *builder) refuseSurplus(l *Listener) {
	finding := diagnostic.TooManyListeners.At(listenerField(l),
		fmt.Sprintf("the Gateway has %d listeners before this one, and serves no more", maxListeners), "")
	b.reportOf(l.Owner, finding)
	if l.Accepted.True {
		l.Accepted = no(finding.Reason, finding.String())
	}
}

// lost words that a listener clashes with one of an object that comes before its
// own. Of another namespace's ListenerSet nothing is told but that there is one.
func lost(l, to *Listener, finding diagnostic.Diagnostic) diagnostic.Diagnostic {
	winner := "an older ListenerSet of the same Gateway"
	switch {
	case to.Owner.Kind == kindGateway:
		winner = fmt.Sprintf("Gateway %s, listener %q", to.Owner.Key(), to.Source.Name)
	case to.Owner.GetNamespace() == l.Owner.GetNamespace():
		winner = fmt.Sprintf("ListenerSet %s, which is older, listener %q", to.Owner.Key(), to.Source.Name)
	}
	what := fmt.Sprintf("listener %q has a hostname and a port that are taken: by ", l.Source.Name)
	if finding.Check != diagnostic.ListenerHostnameConflict.ID {
		what = fmt.Sprintf("listener %q cannot speak %s on port %d, where another protocol is spoken: by ", l.Source.Name, l.Source.Protocol, l.Source.Port)
	}
	taken := diagnostic.ListenerTaken.At(finding.Field, what+winner, "")
	taken.Reason = finding.Reason
	return taken
}
