package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// document is a part of a file that holds one YAML document.
type document struct {
	data []byte
	// before is the number of lines before it.
	before int
}

// split cuts a file into its documents, so that a broken one does not take its
// neighbours along. JSON is cut where each value ends.
func split(data []byte) []document {
	if trimmed := bytes.TrimLeft(data, " \t\r\n"); len(trimmed) > 0 && trimmed[0] == '{' {
		if documents, ok := splitJSON(data); ok {
			return documents
		}
	}
	var documents []document
	current, line := document{}, 0
	for text := range bytes.Lines(data) {
		if rest, ok := bytes.CutPrefix(text, []byte("---")); ok && (len(rest) == 0 || bytes.ContainsAny(rest[:1], " \t\r\n")) {
			documents = append(documents, current)
			// What follows on the separator's own line belongs to the document.
			current, text = document{before: line}, rest
		}
		current.data = append(current.data, text...)
		line++
	}
	return append(documents, current)
}

// splitJSON cuts values that follow each other. False says that it is no JSON.
func splitJSON(data []byte) ([]document, bool) {
	var documents []document
	decoder := json.NewDecoder(bytes.NewReader(data))
	for {
		var value json.RawMessage
		err := decoder.Decode(&value)
		if errors.Is(err, io.EOF) {
			return documents, true
		}
		if err != nil {
			return nil, false
		}
		end := int(decoder.InputOffset())
		documents = append(documents, document{
			data: data[end-len(value) : end], before: bytes.Count(data[:end-len(value)], []byte("\n")),
		})
	}
}

// isEmpty says that there is nothing in the document but comments and
// directives.
func (d document) isEmpty() bool {
	for line := range bytes.Lines(d.data) {
		line = bytes.TrimSpace(line)
		if len(line) > 0 && line[0] != '#' && line[0] != '%' && string(line) != "..." {
			return false
		}
	}
	return true
}
