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
type Templates struct{ set *template.Template }

// ParseTemplates returns the built-in set, with those templates replaced that
// are at the top of the file system, by name. The error names the template and
// the line.
func ParseTemplates(replacements fs.FS) (Templates, error) {
	known := builtin()
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
	t := Templates{set: set}
	if _, err := t.print(specimen()); err != nil {
		return Templates{}, err
	}
	return t, nil
}

var builtin = sync.OnceValue(func() *template.Template {
	set := template.New("nginx")
	if err := parseInto(set, templates.FS); err != nil {
		// The templates are part of the program.
		panic(err)
	}
	return set
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

// streamsTemplate prints a file of its own, where there are streams.
const streamsTemplate = "streams.tmpl"

func (t Templates) print(c configuration) ([]bundle.File, error) {
	set := t.set
	if set == nil {
		set = builtin()
	}
	var files []bundle.File
	for _, o := range outputs {
		if o.template == streamsTemplate && c.Streams == nil {
			continue
		}
		var out bytes.Buffer
		if err := set.ExecuteTemplate(&out, o.template, c); err != nil {
			return nil, fmt.Errorf("print %s: %w", o.file, err)
		}
		out.WriteByte('\n')
		files = append(files, bundle.File{Path: o.file, Data: out.Bytes()})
	}
	return files, nil
}
