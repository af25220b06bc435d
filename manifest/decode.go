package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
	kjson "sigs.k8s.io/json"
	kyaml "sigs.k8s.io/yaml"

	"github.com/gatewright/gatewright/compiler/diagnostic"
)

// Options say what manifests leave to whoever applies them.
type Options struct {
	// Namespace of objects that name none.
	Namespace string
	// ConfigMaps are read, and not counted among the others.
	ConfigMaps bool
}

// Decode reads the manifests of one file, whose name is for messages.
func Decode(file string, data []byte, o Options) Manifests {
	r := &reader{options: o, file: file}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if bytes.IndexByte(data, 0) >= 0 || !utf8.Valid(data) {
		r.unreadable(Place{File: file}, "", "this is no text (UTF-8), so no manifest")
		return r.found
	}
	for _, d := range split(data) {
		r.document(d)
	}
	return r.found
}

// reader gathers what is in one file.
type reader struct {
	options Options
	file    string
	// before is the number of lines before the current document.
	before int
	found  Manifests
}

func (r *reader) unreadable(at Place, object, message string) {
	r.found.Unreadable = append(r.found.Unreadable, Remark{Place: at, Object: object, Message: message})
}

func (r *reader) passOver(at Place, message string) {
	r.found.PassedOver = append(r.found.PassedOver, Remark{Place: at, Message: message})
}

// place returns where the node stands.
func (r *reader) place(n *yaml.Node) Place {
	return Place{File: r.file, Line: r.before + n.Line, Column: n.Column}
}

func (r *reader) document(d document) {
	if d.isEmpty() {
		return
	}
	r.before = d.before
	var root yaml.Node
	if err := yaml.Unmarshal(d.data, &root); err != nil {
		r.yamlFault(d, err)
		return
	}
	if len(root.Content) == 0 {
		return
	}
	r.value(root.Content[0], func() ([]byte, error) { return kyaml.YAMLToJSONStrict(d.data) })
}

// value reads an object, or a list of them. What JSON it is, is asked for only
// if it is one of our kinds, since duplicate keys elsewhere are not our
// business.
func (r *reader) value(n *yaml.Node, encode func() ([]byte, error)) {
	apiVersion, name := scalar(n, "apiVersion"), scalar(n, "kind")
	if apiVersion == "" || name == "" {
		r.passOver(r.place(n), "no Kubernetes manifest: it has no apiVersion and kind")
		return
	}
	k, served, known := kindOf(apiVersion, name)
	switch items := entry(n, "items"); {
	case k.configMap && !r.options.ConfigMaps:
		r.found.Others++
	case strings.HasSuffix(name, "List") && items != nil && !known:
		r.list(items, encode)
	case served:
		r.object(n, name, encode, k)
	case known:
		r.unreadable(r.place(n), name+" "+scalar(entry(n, "metadata"), "name"),
			fmt.Sprintf("apiVersion %s is none that can be read: write the one of %s", apiVersion, strings.Join(k.versions, " or ")))
	default:
		r.found.Others++
	}
}

func (r *reader) list(items *yaml.Node, encode func() ([]byte, error)) {
	data, err := encode()
	if err != nil {
		r.fault(items, "", err)
		return
	}
	var list struct {
		Items []rawJSON `json:"items"`
	}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(data, &list); err != nil {
		r.fault(items, "", err)
		return
	}
	items = target(items)
	for i, item := range list.Items {
		if i < len(items.Content) {
			r.value(target(items.Content[i]), func() ([]byte, error) { return item, nil })
		}
	}
}

// rawJSON keeps a part of a list as it stands.
type rawJSON []byte

// UnmarshalJSON implements json.Unmarshaler.
func (j *rawJSON) UnmarshalJSON(data []byte) error {
	*j = bytes.Clone(data)
	return nil
}

func (r *reader) object(n *yaml.Node, name string, encode func() ([]byte, error), k kind) {
	o := Object{Object: k.empty(), Kind: name, file: r.file, node: n, line: r.before + n.Line, before: r.before}
	// What the user will look for, even if the object cannot be read.
	metadata := entry(n, "metadata")
	id := diagnostic.Object{Kind: name, Namespace: scalar(metadata, "namespace"), Name: scalar(metadata, "name")}
	if id.Namespace == "" && !k.cluster {
		id.Namespace = r.options.Namespace
	}
	data, err := encode()
	if err != nil {
		r.fault(n, id.String(), err)
		return
	}
	unknown, err := kjson.UnmarshalStrict(data, o.Object)
	if err != nil {
		r.typeFault(o, id.String(), err)
		return
	}
	r.unknownFields(o, id.String(), unknown)
	if id.Name == "" && o.GetGenerateName() == "" {
		r.unreadable(o.Place("metadata"), id.String(), "metadata.name is missing")
		return
	}
	if len(unknown) == 0 {
		o.SetNamespace(id.Namespace)
		r.found.Objects = append(r.found.Objects, o)
	}
}

// unknownFields tells of fields that the kind does not have, in their order.
func (r *reader) unknownFields(o Object, object string, faults []error) {
	var told []Remark
	for _, fault := range faults {
		at := o.Place("")
		if m := quotedField.FindStringSubmatch(fault.Error()); m != nil {
			at = o.Place(m[1])
		}
		told = append(told, Remark{Place: at, Object: object, Message: fault.Error()})
	}
	slices.SortStableFunc(told, func(a, b Remark) int { return a.Place.Compare(b.Place) })
	r.found.Unreadable = append(r.found.Unreadable, told...)
}

var (
	quotedField = regexp.MustCompile(`field "([^"]+)"`)
	yamlLine    = regexp.MustCompile(`line (\d+): `)
)

// yamlFault tells of YAML that does not parse.
func (r *reader) yamlFault(d document, err error) {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	if bytes.Contains(d.data, []byte("{{")) {
		message += "; if this is a template, lint what it is rendered to: helm template … | gatewright lint -f -"
	}
	r.lined(Place{File: r.file, Line: r.before + 1}, "", message)
}

// fault tells of YAML that parses and is no JSON, as with a key given twice.
func (r *reader) fault(n *yaml.Node, object string, err error) {
	message := err.Error()
	for _, words := range []string{"error converting YAML to JSON: ", "yaml: ", "unmarshal errors:"} {
		message = strings.TrimPrefix(message, words)
	}
	for line := range strings.Lines(message) {
		if line = strings.TrimSpace(line); line != "" {
			r.lined(r.place(n), object, line)
		}
	}
}

// lined takes the line number out of the message, where one is there: it counts
// from the beginning of the document.
func (r *reader) lined(at Place, object, message string) {
	if m := yamlLine.FindStringSubmatch(message); m != nil {
		if line, err := strconv.Atoi(m[1]); err == nil {
			at = Place{File: r.file, Line: r.before + line}
			message = strings.Replace(message, m[0], "", 1)
		}
	}
	r.unreadable(at, object, message)
}

// typeFault tells of a value that is none of its field.
func (r *reader) typeFault(o Object, object string, err error) {
	var mismatch *json.UnmarshalTypeError
	if !errors.As(err, &mismatch) || mismatch.Field == "" {
		r.unreadable(o.Place(""), object, err.Error())
		return
	}
	// "number 1.5" tells the value, too.
	jsonType, _, _ := strings.Cut(mismatch.Value, " ")
	r.unreadable(o.placeOfType(mismatch.Field, jsonType), object,
		fmt.Sprintf("%s must be %s, not %s", mismatch.Field, wanted(mismatch.Type), mismatch.Value))
}

func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "an object"
	}
	return "a number (" + t.Kind().String() + ")"
}
