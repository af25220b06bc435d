package binary

import (
	"os"
	"path/filepath"
	"testing"
)

func TestKeyCoversWhatABinaryDependsOn(t *testing.T) {
	t.Parallel()
	key := func(files map[string]string, change func(*Program)) string {
		program := Program{Name: "program", ModuleDir: t.TempDir(), Package: ".", Arch: "amd64"}
		if change != nil {
			change(&program)
		}
		for name, content := range files {
			if err := os.WriteFile(filepath.Join(program.ModuleDir, name), []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		key, err := program.key(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	module := map[string]string{"go.mod": "module x", "main.go": "package main"}
	base := key(module, nil)
	for name, tc := range map[string]struct {
		key  string
		same bool
	}{
		"the same module elsewhere": {key: key(module, nil), same: true},
		"a test file":               {key: key(map[string]string{"go.mod": "module x", "main.go": "package main", "main_test.go": ""}, nil), same: true},
		"another version":           {key: key(map[string]string{"go.mod": "module x // v2", "main.go": "package main"}, nil)},
		"a go.sum":                  {key: key(map[string]string{"go.mod": "module x", "main.go": "package main", "go.sum": ""}, nil)},
		"another package":           {key: key(module, func(p *Program) { p.Package = "./other" })},
		"another architecture":      {key: key(module, func(p *Program) { p.Arch = "arm64" })},
		"a variable":                {key: key(module, func(p *Program) { p.Variables = []string{"main.version=v1"} })},
	} {
		if same := tc.key == base; same != tc.same {
			t.Errorf("%s: same key = %v, want %v", name, same, tc.same)
		}
	}
}
