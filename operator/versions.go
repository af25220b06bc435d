package operator

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
)

// versions remember what the operator has written, until the cache has it, too.
// In between the cache holds what was before: judged by that, a status that has
// to go back to what it was would seem to be so already, and would stay wrong,
// as a status that comes into the cache is no reason to compile.
type versions struct {
	mu      sync.Mutex
	written map[statusKey]string
}

// statusKey is an object by its Go type.
type statusKey struct {
	kind string
	key  types.NamespacedName
}

// wrote notes the resourceVersion that a write made.
func (v *versions) wrote(key statusKey, version string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.written == nil {
		v.written = map[statusKey]string{}
	}
	v.written[key] = version
}

// precedes says whether the version read is older than the one last written. Of
// what has caught up, or is gone ("" read), nothing is kept.
func (v *versions) precedes(key statusKey, read string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	written, ok := v.written[key]
	if !ok {
		return false
	}
	if order, err := resourceversion.CompareResourceVersion(read, written); err == nil && order < 0 {
		return true
	}
	delete(v.written, key)
	return false
}
