package rig

import (
	"context"
	"fmt"
	"os/exec"

	"github.com/gatewright/gatewright/test/bench/data/site"
	"github.com/gatewright/gatewright/test/corpus/dataplane"
)

// Ports of the proxies.
const (
	gatewrightHTTP   = 10080
	gatewrightHTTPS  = 10443
	handWrittenHTTP  = 11080
	handWrittenHTTPS = 11443
	haproxyHTTP      = 12080
	haproxyHTTPS     = 12443
	traefikHTTP      = 13080
	traefikHTTPS     = 13443
)

// startPlane prepares Gatewright's data plane, whose network all share.
func (r *Rig) startPlane(ctx context.Context) error {
	b, err := r.Site.Bundle(site.Listeners{HTTP: gatewrightHTTP, HTTPS: gatewrightHTTPS, Certificate: r.certificate})
	if err != nil {
		return err
	}
	r.plane, err = dataplane.New(ctx, b)
	return err
}

// startGatewright starts the image's nginx with what the compiler has made, file
// for file, and beside it, in this process, what the agent has for nginx: the DNS
// server that tells it where endpoints are, and the hop. The DNS server has nothing
// to do while endpoints stay. Where rules take the hop, this process goes to the
// cores of the proxies, as the agent shares nginx's.
func (r *Rig) startGatewright(ctx context.Context) (*Proxy, error) {
	if err := r.plane.Start(ctx); err != nil {
		return nil, err
	}
	p := &Proxy{HTTP: gatewrightHTTP, HTTPS: gatewrightHTTPS, pid: r.plane.PID(), inside: r.Site.TakesHop()}
	for _, pid := range p.pids() {
		out, err := exec.CommandContext(ctx, "taskset", "-a", "-p", "-c", r.options.ProxyCores, fmt.Sprint(pid)).CombinedOutput()
		if err != nil {
			return nil, fmt.Errorf("bind Gatewright to cores: %w\n%s", err, out)
		}
	}
	return p, nil
}
