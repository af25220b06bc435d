package graph

import (
	"fmt"
	"strconv"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/diagnostic"
)

// Mirror is a backend that gets copies of requests; what it answers is dropped
// (Gateway API, HTTPRequestMirrorFilter).
type Mirror struct {
	Upstream *Upstream
	// Share of the requests, in hundredths of a percent: 1 to AllRequests.
	Share int32
	// Index of the filter in the rule.
	Index int
	// HopID names the copies to the agent's hop, which sends those that nginx
	// cannot. A DNS label of at most 63 octets.
	HopID string
}

// AllRequests is the share of a Mirror that gets every request.
const AllRequests = 10000

// readMirrors reads the rule's RequestMirror filters. A mirror whose backend
// leads nowhere is told in the route's status, and changes nothing about the
// rule.
func (r *ruleReader) readMirrors() {
	for i := range r.source.Filters {
		f := &r.source.Filters[i]
		if f.Type != gatewayv1.HTTPRouteFilterRequestMirror || f.RequestMirror == nil {
			continue
		}
		field := fmt.Sprintf("%s.filters[%d].requestMirror", r.field, i)
		if r.rule.Redirect != nil {
			r.unsupported(field, "copies of redirected requests are")
			continue
		}
		share := r.mirrorShare(f.RequestMirror, field)
		if upstream := r.mirrorUpstream(&f.RequestMirror.BackendRef, field+".backendRef"); upstream != nil && share > 0 {
			r.rule.Mirrors = append(r.rule.Mirrors, Mirror{Upstream: upstream, Share: share, Index: i, HopID: r.mirrorID(i)})
			// nginx reads a request whole before it copies it, and calls may last.
			r.hop.wanted = r.hop.wanted || r.grpc != nil
		}
	}
}

func (r *ruleReader) mirrorID(index int) string {
	return dnsLabel(r.route.Namespace, r.route.Name, r.words(), "mirror", strconv.Itoa(index))
}

// mirrorShare returns the share in the steps that nginx counts in (split_clients).
// A share above 0 stays above 0.
func (r *ruleReader) mirrorShare(f *gatewayv1.HTTPRequestMirrorFilter, field string) int32 {
	numerator, denominator := int64(100), int64(100)
	switch {
	case f.Percent != nil && f.Fraction != nil:
		r.fault(diagnostic.InvalidMirrorShare, field, "percent and fraction are two answers to one question", "leave one of the two out")
	case f.Percent != nil:
		numerator, field = int64(*f.Percent), field+".percent"
	case f.Fraction != nil:
		numerator, field = int64(f.Fraction.Numerator), field+".fraction"
		if f.Fraction.Denominator != nil {
			denominator = int64(*f.Fraction.Denominator)
		}
	}
	if denominator < 1 || numerator < 0 || numerator > denominator {
		r.fault(diagnostic.InvalidMirrorShare, field, fmt.Sprintf("%d of %d is no share of the requests", numerator, denominator), "")
		return 0
	}
	share := (numerator*AllRequests + denominator/2) / denominator
	if numerator > 0 {
		share = max(share, 1)
	}
	return int32(share)
}

// mirrorUpstream returns the upstream of a mirror, the same that rules have
// with only that backend; nil where the reference means no Service.
func (r *ruleReader) mirrorUpstream(ref *gatewayv1.BackendObjectReference, field string) *Upstream {
	endpoints, problem := r.resolveBackend(ref, field)
	if problem != nil {
		r.unresolved = append(r.unresolved, *problem)
	}
	port, fault := serviceOf(ref, r.route.Namespace)
	if fault != nil {
		return nil
	}
	return r.serviceUpstream(port, share{weight: 1, endpoints: endpoints})
}

// upstreams are all that the rule sends requests to.
func (r *Rule) upstreams() []*Upstream {
	if r.Invalid {
		return nil
	}
	var all []*Upstream
	if r.Hop == nil {
		all = append(all, r.Upstream)
	}
	if r.Session != nil && r.Session.Drained != nil {
		all = append(all, r.Session.Drained)
	}
	for _, m := range r.Mirrors {
		// Those of calls are the hop's.
		if !r.GRPC {
			all = append(all, m.Upstream)
		}
	}
	return all
}
