package rig

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"text/template"

	"github.com/gatewright/gatewright/test/bench/data/load"
	"github.com/gatewright/gatewright/test/bench/data/site"
)

//go:embed *.tmpl
var templateFiles embed.FS

var templates = template.Must(template.ParseFS(templateFiles, "*.tmpl"))

const (
	backendTemplate     = "backend.conf.tmpl"
	handWrittenTemplate = "nginx.conf.tmpl"
	haproxyTemplate     = "haproxy.cfg.tmpl"
	traefikTemplate     = "traefik.yaml.tmpl"
	traefikSiteTemplate = "traefik-site.yaml.tmpl"
)

// print writes a file of the rig's directory.
func (r *Rig) print(name, from string) error {
	var text bytes.Buffer
	err := templates.ExecuteTemplate(&text, from, map[string]any{
		"Keepalive": keepalive(r.Site),
		"Choices":   choicesOf(r.Site),
		"Dir":       r.dir, "Inside": r.inside, "Site": r.Site, "Files": files,
		"BackendHeader":   load.BackendHeader,
		"FilesPort":       site.FilesPort,
		"TLSPort":         site.TLSPort,
		"ConditionHeader": site.ConditionHeader, "ConditionParameter": site.ConditionParameter,
		"HandWrittenHTTP": handWrittenHTTP, "HandWrittenHTTPS": handWrittenHTTPS,
		"HAProxyHTTP": haproxyHTTP, "HAProxyHTTPS": haproxyHTTPS,
		"TraefikHTTP": traefikHTTP, "TraefikHTTPS": traefikHTTPS,
	})
	if err != nil {
		return fmt.Errorf("print %s: %w", name, err)
	}
	return r.write(name, text.Bytes())
}

func (r *Rig) startHandWritten(context.Context) (*Proxy, error) {
	if err := r.print("hand.conf", handWrittenTemplate); err != nil {
		return nil, err
	}
	p, err := r.nginx("hand", r.options.ProxyCores)
	if err != nil {
		return nil, err
	}
	return &Proxy{HTTP: handWrittenHTTP, HTTPS: handWrittenHTTPS, pid: p.command.Process.Pid}, nil
}

func (r *Rig) startHAProxy(context.Context) (*Proxy, error) {
	if err := r.print("haproxy.cfg", haproxyTemplate); err != nil {
		return nil, err
	}
	if err := r.writeMaps(); err != nil {
		return nil, err
	}
	args, err := r.tools.Command("haproxy", "-db", "-f", r.TempFile("haproxy.cfg"))
	if err != nil {
		return nil, err
	}
	p, err := r.run("haproxy", r.options.ProxyCores, args...)
	if err != nil {
		return nil, err
	}
	return &Proxy{HTTP: haproxyHTTP, HTTPS: haproxyHTTPS, pid: p.command.Process.Pid}, nil
}

// keepalive is how many idle connections a worker keeps to each backend: enough
// for all that the bench opens, but where so many backends would take memory that
// nobody gives them.
func keepalive(s site.Site) int {
	if len(s.Routes) > 1000 {
		return 64
	}
	return 512
}

// writeMaps writes the files by which HAProxy finds backends.
func (r *Rig) writeMaps() error {
	var hosts bytes.Buffer
	for _, route := range r.Site.Routes {
		if len(route.Rules) == 1 {
			fmt.Fprintf(&hosts, "%s %s\n", route.Host, route.Rules[0].Name)
		}
	}
	if err := r.write("hosts.map", hosts.Bytes()); err != nil {
		return err
	}
	for _, c := range choicesOf(r.Site) {
		var entries bytes.Buffer
		for _, e := range c.Entries {
			fmt.Fprintf(&entries, "%s %s\n", e.Value, e.Backend)
		}
		if err := r.write(c.Route.Name+".map", entries.Bytes()); err != nil {
			return err
		}
	}
	return nil
}
