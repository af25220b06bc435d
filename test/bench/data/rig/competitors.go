package rig

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"text/template"

	"github.com/gatewright/gatewright/test/bench/data/site"
)

//go:embed *.tmpl
var templateFiles embed.FS

var templates = template.Must(template.ParseFS(templateFiles, "*.tmpl"))

const (
	backendTemplate     = "backend.conf.tmpl"
	handWrittenTemplate = "nginx.conf.tmpl"
	haproxyTemplate     = "haproxy.cfg.tmpl"
)

// print writes a file of the rig's directory.
func (r *Rig) print(name, from string) error {
	var text bytes.Buffer
	err := templates.ExecuteTemplate(&text, from, map[string]any{
		"Dir": r.dir, "Inside": r.inside, "Site": r.site, "Files": files,
		"FilesPort":       site.FilesPort,
		"ConditionHeader": site.ConditionHeader, "ConditionParameter": site.ConditionParameter,
		"HandWrittenHTTP": handWrittenHTTP, "HandWrittenHTTPS": handWrittenHTTPS,
		"HAProxyHTTP": haproxyHTTP, "HAProxyHTTPS": haproxyHTTPS,
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
	var hosts bytes.Buffer
	for _, route := range r.site.Routes {
		fmt.Fprintf(&hosts, "%s %s\n", route.Host, route.Name)
	}
	if err := r.write("hosts.map", hosts.Bytes()); err != nil {
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
