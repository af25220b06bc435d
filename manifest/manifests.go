package manifest

import (
	"cmp"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatewright/gatewright/compiler/diagnostic"
)

// Manifests is what was read, in the order in which it was given.
type Manifests struct {
	Objects []Object
	// Unreadable is what the API server could not read either.
	Unreadable []Remark
	// PassedOver are files and documents that hold no manifest.
	PassedOver []Remark
	// Others counts objects of kinds that do not bear on Gatewright.
	Others int
}

// Object is one object with its place.
type Object struct {
	metav1.Object
	Kind string

	file string
	node *yaml.Node
	// line of the object where it has no node.
	line int
	// before is the number of lines before the document of the node.
	before int
}

// ID is how users are told of the object.
func (o Object) ID() diagnostic.Object {
	return diagnostic.Object{Kind: o.Kind, Namespace: o.GetNamespace(), Name: o.GetName()}
}

// Place is a line of a file. Line and Column count from 1; Line is 0 where the
// whole file is meant, Column where the whole line is.
type Place struct {
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
}

// String returns "routes.yaml:12".
func (p Place) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// Compare orders places by file, line and column.
func (p Place) Compare(other Place) int {
	return cmp.Or(strings.Compare(p.File, other.File), cmp.Compare(p.Line, other.Line), cmp.Compare(p.Column, other.Column))
}

// Remark says something about a place.
type Remark struct {
	Place
	// Object is empty where the place is in none.
	Object  string `json:"object,omitempty"`
	Message string `json:"message"`
}

// String returns "routes.yaml:12: HTTPRoute blog/whoami: unknown field …".
func (r Remark) String() string {
	if r.Object != "" {
		return fmt.Sprintf("%s: %s: %s", r.Place, r.Object, r.Message)
	}
	return fmt.Sprintf("%s: %s", r.Place, r.Message)
}
