package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/compiler/explain"
	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/nginx"
	"github.com/gatewright/gatewright/manifest"
	"github.com/gatewright/gatewright/premise"
)

type renderCommand struct {
	inputFlags

	Gateway string
	Output  string

	Explain string
	Method  string
	Header  []string
	SNI     string
}

const renderDetails = "Prints the nginx configuration that follows from manifests, for each Gateway; with --live, from what the cluster has, and the manifests if there are any.\n\n" +
	"Exit status: 0 if it could be rendered or explained, 1 if not, 2 if something cannot be read."

func (c *renderCommand) flags(f *pflag.FlagSet) {
	c.inputFlags.flags(f)
	f.StringVar(&c.Gateway, "gateway", "", "The Gateway to render, by `NAMESPACE/NAME`; all that are Gatewright's if left out.")
	f.StringVarP(&c.Output, "output", "o", "", "`DIR` to write the files to, below namespace/name; standard output if left out.")
	f.StringVar(&c.Explain, "explain", "", "Say which rule would answer HOST/PATH, or a `URL`, and why no other would.")
	f.StringVar(&c.Method, "method", "GET", "`Method` of that request.")
	f.StringArrayVar(&c.Header, "header", nil, "Header of that request, as `NAME=VALUE`; may be repeated.")
	f.StringVar(&c.SNI, "server-name", "", "`Server name` of its TLS handshake, if not the host; - for none.")
}

// Run prints configurations, or an explanation.
func (c *renderCommand) Run() error { return c.run(os.Stdout) }

func (c *renderCommand) run(out io.Writer) error {
	if len(c.Files) == 0 && !c.Live {
		return failure{2, errNoManifests}
	}
	m, o, err := c.read()
	if err != nil {
		return failure{2, err}
	}
	for _, u := range m.Unreadable {
		fmt.Fprintln(os.Stderr, u)
	}
	g := graph.Build(premise.Of(m, o).Snapshot)
	gateways := c.gateways(g, m)
	if len(gateways) == 0 {
		return failure{1, errors.New("there is no accepted Gateway of Gatewright's to render (--class names its classes)")}
	}
	if c.Explain != "" {
		err = c.explain(out, g, gateways)
	} else {
		err = c.render(out, gateways)
	}
	switch {
	case err != nil:
		return failure{1, err}
	case len(m.Unreadable) > 0:
		return failure{code: 2}
	}
	return nil
}

// gateways returns those that are asked for, out of the cluster's only if they
// are named.
func (c *renderCommand) gateways(g graph.Graph, m manifest.Manifests) []*graph.Gateway {
	given := map[string]bool{}
	for _, o := range m.Objects {
		if o.Kind == "Gateway" {
			given[o.GetNamespace()+"/"+o.GetName()] = true
		}
	}
	var gateways []*graph.Gateway
	for _, gateway := range g.Gateways {
		key := gateway.Key().String()
		switch {
		case c.Gateway == "" && !given[key] && (!c.Live || len(given) > 0), c.Gateway != "" && c.Gateway != key:
		case !gateway.Accepted.True:
			fmt.Fprintf(os.Stderr, "Gateway %s is not accepted: %s\n", key, gateway.Accepted.Message)
		default:
			gateways = append(gateways, gateway)
		}
	}
	return gateways
}

func (c *renderCommand) render(out io.Writer, gateways []*graph.Gateway) error {
	for _, gateway := range gateways {
		for _, f := range nginx.Render(gateway, nginx.Templates{}).Files {
			if err := c.put(out, gateway.Key().String(), f); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *renderCommand) put(out io.Writer, gateway string, f bundle.File) error {
	if c.Output == "" {
		_, err := fmt.Fprintf(out, "# %s: %s\n%s\n", gateway, f.Path, f.Data)
		return err
	}
	path := filepath.Join(c.Output, filepath.FromSlash(gateway), filepath.FromSlash(f.Path))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	if err := os.WriteFile(path, f.Data, 0o644); err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	return nil
}

func (c *renderCommand) explain(out io.Writer, g graph.Graph, gateways []*graph.Gateway) error {
	r, err := c.request()
	if err != nil {
		return err
	}
	explanations := explain.Everywhere(gateways, g.Routes, r)
	if len(explanations) == 0 {
		return fmt.Errorf("no Gateway listens on port %d", r.Port)
	}
	for i, e := range explanations {
		if i > 0 {
			fmt.Fprintln(out)
		}
		if _, err := fmt.Fprint(out, e); err != nil {
			return err
		}
	}
	return nil
}

func (c *renderCommand) request() (explain.Request, error) {
	r, err := explain.Parse(c.Explain)
	if err != nil {
		return r, err
	}
	r.Method = c.Method
	if c.SNI != "" {
		r.ServerName = strings.TrimPrefix(strings.ToLower(c.SNI), "-")
	}
	for _, h := range c.Header {
		name, value, ok := strings.Cut(h, "=")
		if !ok {
			return r, fmt.Errorf("--header %q is not NAME=VALUE", h)
		}
		r.Headers = append(r.Headers, [2]string{name, value})
	}
	return r, nil
}
