package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxFile is above what the objects of a large cluster take, and below what
// would make a small machine swap.
const maxFile = 64 << 20

// Stdin is the name that stands for standard input.
const Stdin = "-"

// Read reads files, directories with all that is below them, and standard
// input. What cannot be read is in the result, beside what can.
func Read(sources []string, stdin io.Reader, o Options) Manifests {
	var all Manifests
	for _, source := range sources {
		found := readSource(source, stdin, o)
		if found.isEmpty() {
			found.Unreadable = append(found.Unreadable, Remark{
				Place: Place{File: nameOf(source)}, Message: "there is no Kubernetes manifest in it",
			})
		}
		all.add(found)
	}
	return all
}

func nameOf(source string) string {
	if source == Stdin {
		return "stdin"
	}
	return source
}

func (m Manifests) isEmpty() bool {
	return len(m.Objects)+len(m.Unreadable)+m.Others == 0
}

func (m *Manifests) add(other Manifests) {
	m.Objects = append(m.Objects, other.Objects...)
	m.Unreadable = append(m.Unreadable, other.Unreadable...)
	m.PassedOver = append(m.PassedOver, other.PassedOver...)
	m.Others += other.Others
}

func readSource(source string, stdin io.Reader, o Options) Manifests {
	if source == Stdin {
		return readAll(nameOf(source), stdin, o)
	}
	info, err := os.Stat(source)
	switch {
	case err != nil:
		return failed(source, err)
	case info.IsDir():
		return readDirectory(source, o)
	}
	return readFile(source, o)
}

func failed(file string, err error) Manifests {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		err = pathError.Err
	}
	return Manifests{Unreadable: []Remark{{Place: Place{File: file}, Message: err.Error()}}}
}

func readFile(path string, o Options) Manifests {
	f, err := os.Open(path)
	if err != nil {
		return failed(path, err)
	}
	defer f.Close()
	return readAll(path, f, o)
}

func readAll(name string, from io.Reader, o Options) Manifests {
	data, err := io.ReadAll(io.LimitReader(from, maxFile+1))
	switch {
	case err != nil:
		return failed(name, err)
	case len(data) > maxFile:
		return failed(name, fmt.Errorf("it is larger than %d MiB", maxFile>>20))
	}
	return Decode(name, data, o)
}

// readDirectory reads the manifests below a directory, in the order of their
// names. Hidden files and Helm charts, whose templates are no YAML yet, are
// passed over.
func readDirectory(root string, o Options) Manifests {
	var all Manifests
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			all.add(failed(path, err))
			if d != nil && d.IsDir() {
				return fs.SkipDir
			}
		case path != root && strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
		case d.IsDir():
			if isFile(filepath.Join(path, "Chart.yaml")) {
				all.passOver(path, "a Helm chart: lint what it is rendered to, with helm template … | gatewright lint -f -")
				return fs.SkipDir
			}
		case slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(path)):
			all.add(readFile(path, o).withoutTemplates(path))
		}
		return nil
	})
	if err != nil {
		all.add(failed(root, err))
	}
	return all
}

func (m *Manifests) passOver(file, message string) {
	m.PassedOver = append(m.PassedOver, Remark{Place: Place{File: file}, Message: message})
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// withoutTemplates passes over a file that was only come across and does not
// parse because it is a template.
func (m Manifests) withoutTemplates(path string) Manifests {
	if len(m.Unreadable) == 0 {
		return m
	}
	data, err := os.ReadFile(path)
	if err == nil && bytes.Contains(data, []byte("{{")) {
		m.PassedOver = append(m.PassedOver, m.Unreadable...)
		m.Unreadable = nil
	}
	return m
}
