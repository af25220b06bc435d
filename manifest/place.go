package manifest

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Place returns where the field stands, by its path as the API server writes
// it: spec.rules[0].matches[1].path.value. Of a field that is not written it is
// the place of what it would be written in; of "" that of the object.
func (o Object) Place(field string) Place {
	if o.node == nil {
		return Place{File: o.file, Line: o.line}
	}
	at, value := o.node, o.node
	for _, step := range steps(field) {
		key, next := child(value, step)
		if next == nil {
			break
		}
		at, value = key, next
	}
	return Place{File: o.file, Line: o.before + at.Line, Column: at.Column}
}

// placeOfType returns the place of the first value of that JSON type at a path
// that leaves indexes out.
func (o Object) placeOfType(field, jsonType string) Place {
	found := o.Place(field)
	var find func(at, value *yaml.Node, path []string) bool
	find = func(at, value *yaml.Node, path []string) bool {
		value = target(value)
		switch {
		case value.Kind == yaml.SequenceNode && (len(path) > 0 || jsonType != "array"):
			for _, item := range value.Content {
				if find(item, item, path) {
					return true
				}
			}
			return false
		case len(path) > 0:
			key, next := child(value, path[0])
			return next != nil && find(key, next, path[1:])
		case typeOf(value) == jsonType:
			found = Place{File: o.file, Line: o.before + at.Line, Column: at.Column}
			return true
		}
		return false
	}
	if o.node != nil {
		find(o.node, o.node, steps(field))
	}
	return found
}

// typeOf is what encoding/json calls the type of the value.
func typeOf(n *yaml.Node) string {
	switch n.Tag {
	case "!!str":
		return "string"
	case "!!int", "!!float":
		return "number"
	case "!!bool":
		return "bool"
	case "!!map":
		return "object"
	case "!!seq":
		return "array"
	}
	return ""
}

// steps cuts a path into keys and indexes. A key with dots in it stands in
// brackets, as in metadata.annotations[cert-manager.io/issuer].
func steps(field string) []string {
	var all []string
	for field != "" {
		if rest, ok := strings.CutPrefix(field, "["); ok {
			step, after, _ := strings.Cut(rest, "]")
			all = append(all, strings.Trim(step, `"'`))
			field = strings.TrimPrefix(after, ".")
			continue
		}
		end := strings.IndexAny(field, ".[")
		if end < 0 {
			return append(all, field)
		}
		all = append(all, field[:end])
		field = strings.TrimPrefix(field[end:], ".")
	}
	return all
}

// child returns the value at the key or index, with the node that stands for
// it: the key, or the element itself.
func child(n *yaml.Node, step string) (at, value *yaml.Node) {
	n = target(n)
	switch n.Kind {
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(step); err == nil && 0 <= i && i < len(n.Content) {
			return n.Content[i], n.Content[i]
		}
	case yaml.MappingNode:
		if at, value = own(n, step); at != nil {
			return at, value
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Tag == "!!merge" {
				// What is merged into that is not looked at: it could be itself.
				return own(target(n.Content[i+1]), step)
			}
		}
	}
	return nil, nil
}

// own returns the entry that the mapping has itself.
func own(n *yaml.Node, key string) (at, value *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i], n.Content[i+1]
		}
	}
	return nil, nil
}

// target follows aliases.
func target(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// entry returns the value of the key; nil where there is none.
func entry(n *yaml.Node, key string) *yaml.Node {
	if n == nil {
		return nil
	}
	_, value := child(n, key)
	return value
}

// scalar returns the text of the key; empty where there is none.
func scalar(n *yaml.Node, key string) string {
	if value := entry(n, key); value != nil && target(value).Kind == yaml.ScalarNode {
		return target(value).Value
	}
	return ""
}
