package nginx

import (
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/compiler/nginx/token"
	"github.com/gatewright/gatewright/templates"
	"github.com/gatewright/gatewright/test/corpus/conftree"
)

func TestTemplatesAreGivenNothingButTokens(t *testing.T) {
	t.Parallel()
	tokens := reflect.TypeFor[token.Token]()
	var check func(path string, typ reflect.Type)
	check = func(path string, typ reflect.Type) {
		switch {
		case typ.Implements(tokens) && typ.Kind() == reflect.Struct:
		case typ.Kind() == reflect.Bool:
		case typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice:
			check(path, typ.Elem())
		case typ.Kind() == reflect.Struct:
			for i := range typ.NumField() {
				check(path+"."+typ.Field(i).Name, typ.Field(i).Type)
			}
		default:
			t.Errorf("%s is a %s: a template could print it as it is", path, typ)
		}
	}
	check("configuration", reflect.TypeFor[configuration]())
}

func TestBuiltInTemplatesAllPrint(t *testing.T) {
	t.Parallel()
	entries, err := templates.FS.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		// A template that prints in no configuration is dead, or the specimen
		// lacks the part that it prints.
		text, err := templates.FS.ReadFile(e.Name())
		if err != nil {
			t.Fatal(err)
		}
		marked := fstest.MapFS{e.Name(): {Data: append([]byte("# printed"), text...)}}
		set, err := ParseTemplates(marked)
		if err != nil {
			t.Fatal(err)
		}
		files, err := set.print(specimen(), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(joinFiles(files), "# printed") {
			t.Errorf("%s prints nothing", e.Name())
		}
	}
}

func TestSpecimenFillsEveryField(t *testing.T) {
	t.Parallel()
	var check func(path string, v reflect.Value)
	check = func(path string, v reflect.Value) {
		switch {
		case v.Kind() == reflect.Slice && v.Len() > 0:
			for i := range v.Len() {
				check(path, v.Index(i))
			}
		case v.Kind() == reflect.Slice:
			t.Errorf("%s is empty in the specimen", path)
		case v.Kind() == reflect.Struct && !v.Type().Implements(reflect.TypeFor[token.Token]()):
			for i := range v.NumField() {
				if optional(v.Type()) {
					continue
				}
				check(path+"."+v.Type().Field(i).Name, v.Field(i))
			}
		case v.IsZero():
			t.Errorf("%s is zero in the specimen", path)
		}
	}
	check("configuration", reflect.ValueOf(specimen()))
}

// optional says that only some of the struct's fields are set at once.
func optional(t reflect.Type) bool {
	return t == reflect.TypeFor[location]() || t == reflect.TypeFor[handler]() || t == reflect.TypeFor[condition]()
}

func TestReplacedTemplateIsPrinted(t *testing.T) {
	t.Parallel()
	set, err := ParseTemplates(fstest.MapFS{"upstream.tmpl": {Data: []byte("upstream {{ .ID }} { least_conn; }\n")}})
	if err != nil {
		t.Fatal(err)
	}
	g, _ := gatewayWithEverything()
	if got := joinFiles(Render(g, set).Files); !strings.Contains(got, "upstream u { least_conn; }") {
		t.Errorf("the replacement is not printed:\n%s", got)
	}
	if got := joinFiles(Render(g, Templates{}).Files); strings.Contains(got, "least_conn") {
		t.Error("the built-in templates changed, too")
	}
}

func TestTemplatesThatCannotPrintAreRefused(t *testing.T) {
	t.Parallel()
	for name, files := range map[string]fstest.MapFS{
		"a field that there is not":         {"proxy.tmpl": {Data: []byte("{{ .Password }}")}},
		"a template that there is not":      {"proxies.tmpl": {Data: []byte("x")}},
		"a template that does not parse":    {"proxy.tmpl": {Data: []byte("{{ if }}")}},
		"a call of what there is not":       {"proxy.tmpl": {Data: []byte(`{{ template "x" }}`)}},
		"a template defined inside another": {"proxy.tmpl": {Data: []byte(`{{ define "x" }}{{ end }}`)}},
	} {
		if _, err := ParseTemplates(files); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestConfigurationParses(t *testing.T) {
	t.Parallel()
	files, err := Templates{}.print(specimen(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if _, err := conftree.Parse(string(f.Data)); err != nil {
			t.Errorf("%s: %v", f.Path, err)
		}
		for line := range strings.Lines(string(f.Data)) {
			if trimmed := strings.TrimRight(line, " \n"); trimmed+"\n" != line {
				t.Errorf("%s has space at the end of a line: %q", f.Path, line)
			}
		}
		if strings.Contains(string(f.Data), "\n\n\n") {
			t.Errorf("%s has more than one empty line in a row", f.Path)
		}
	}
}

func joinFiles(files []bundle.File) string {
	var b strings.Builder
	for _, f := range files {
		b.Write(f.Data)
	}
	return b.String()
}
