package nginx

import (
	"bytes"
	"fmt"
	"io/fs"
	"strings"
	"sync"

	// The standard library's, but for method calls.
	template "github.com/DataDog/datadog-agent/pkg/template/text"

	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/templates"
)

// Templates print the configuration. The zero value is the built-in set.
type Templates struct{ set *templateSet }

// templateSet prints blocks that there are many of one by one, and puts these
// together.
type templateSet struct{ whole, assembling *template.Template }

func newTemplateSet(whole *template.Template) (*templateSet, error) {
	assembling, err := whole.Clone()
	if err != nil {
		return nil, fmt.Errorf("copy the templates: %w", err)
	}
	for _, name := range []string{serverTemplate, upstreamTemplate} {
		if _, err := assembling.New(name).Parse("{{ .Text }}"); err != nil {
			return nil, fmt.Errorf("parse template: %w", err)
		}
	}
	return &templateSet{whole, assembling}, nil
}

// ParseTemplates returns the built-in set, with those templates replaced that
// are at the top of the file system, by name. The error names the template and
// the line.
func ParseTemplates(replacements fs.FS) (Templates, error) {
	known := builtin().whole
	set, err := known.Clone()
	if err != nil {
		return Templates{}, fmt.Errorf("copy the built-in templates: %w", err)
	}
	if err := parseInto(set, replacements); err != nil {
		return Templates{}, err
	}
	for _, t := range set.Templates() {
		if known.Lookup(t.Name()) == nil {
			return Templates{}, fmt.Errorf("template %s replaces none of the built-in ones", t.Name())
		}
	}
	// A template that asks for what it is not given fails only when it prints.
	sets, err := newTemplateSet(set)
	if err != nil {
		return Templates{}, err
	}
	t := Templates{set: sets}
	if _, err := t.print(specimen(), nil, nil); err != nil {
		return Templates{}, err
	}
	return t, nil
}

var builtin = sync.OnceValue(func() *templateSet {
	set := template.New("nginx")
	err := parseInto(set, templates.FS)
	if err == nil {
		var sets *templateSet
		if sets, err = newTemplateSet(set); err == nil {
			return sets
		}
	}
	// The templates are part of the program.
	panic(err)
})

func parseInto(set *template.Template, files fs.FS) error {
	names, err := fs.Glob(files, "*.tmpl")
	if err != nil {
		return fmt.Errorf("list templates: %w", err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return fmt.Errorf("read template %s: %w", name, err)
		}
		if _, err := set.New(name).Parse(strings.TrimSuffix(string(text), "\n")); err != nil {
			return fmt.Errorf("parse template: %w", err)
		}
	}
	return nil
}

// outputs are the templates that make files.
var outputs = []struct{ template, file string }{
	{"main.tmpl", "nginx.conf"},
	{"upstreams.tmpl", "upstreams.conf"},
	{"servers.tmpl", "servers.conf"},
	{streamsTemplate, "streams.conf"},
}

const (
	// streamsTemplate prints a file of its own, where there are streams.
	streamsTemplate = "streams.tmpl"
	// serverTemplate and upstreamTemplate print one block.
	serverTemplate   = "server.tmpl"
	upstreamTemplate = "upstream.tmpl"
)

// assembled is a configuration with the text of those blocks.
type assembled struct {
	configuration
	Servers   []printedServer
	Upstreams []printedUpstream
}

// print returns the files. Blocks that before has are not printed again; next, where
// it is not nil, gets all of them.
func (t Templates) print(c configuration, before, next *Memory) ([]bundle.File, error) {
	sets := t.set
	if sets == nil {
		sets = builtin()
	}
	whole, err := sets.blocks(c, before, next)
	if err != nil {
		return nil, err
	}
	var files []bundle.File
	for _, o := range outputs {
		if o.template == streamsTemplate && c.Streams == nil {
			continue
		}
		var out bytes.Buffer
		if err := sets.assembling.ExecuteTemplate(&out, o.template, whole); err != nil {
			return nil, fmt.Errorf("print %s: %w", o.file, err)
		}
		out.WriteByte('\n')
		files = append(files, bundle.File{Path: o.file, Data: out.Bytes()})
	}
	return files, nil
}

func (t *templateSet) blocks(c configuration, before, next *Memory) (assembled, error) {
	all := assembled{
		configuration: c,
		Servers:       make([]printedServer, 0, len(c.Servers)),
		Upstreams:     make([]printedUpstream, 0, len(c.Upstreams)),
	}
	for _, s := range c.Servers {
		text, err := block(t.whole, serverTemplate, s, before.textOfServer)
		if err != nil {
			return assembled{}, err
		}
		all.Servers = append(all.Servers, printedServer{s, text})
	}
	for _, u := range c.Upstreams {
		text, err := block(t.whole, upstreamTemplate, u, before.textOfUpstream)
		if err != nil {
			return assembled{}, err
		}
		all.Upstreams = append(all.Upstreams, printedUpstream{u, text})
	}
	next.keep(all)
	return all, nil
}

// block returns the text of one block, the recalled one where there is one.
func block[T any](set *template.Template, name string, of T, recall func(T) (string, bool)) (string, error) {
	if text, known := recall(of); known {
		return text, nil
	}
	var out strings.Builder
	if err := set.ExecuteTemplate(&out, name, of); err != nil {
		return "", fmt.Errorf("print %s: %w", name, err)
	}
	return out.String(), nil
}
