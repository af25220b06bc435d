package snapshot

import (
	"cmp"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Set is an immutable collection of objects of one kind, sorted by namespace,
// then name. The zero value is empty.
type Set[T metav1.Object] struct{ sorted []T }

// SetOf returns the set of the objects. Of two with one key, the later wins.
func SetOf[T metav1.Object](objects ...T) Set[T] {
	sorted := slices.Clone(objects)
	slices.SortStableFunc(sorted, func(a, b T) int { return compareKeys(KeyOf(a), KeyOf(b)) })
	out := sorted[:0]
	for _, o := range sorted {
		if n := len(out); n > 0 && KeyOf(out[n-1]) == KeyOf(o) {
			out[n-1] = o
			continue
		}
		out = append(out, o)
	}
	return Set[T]{sorted: out}
}

// KeyOf returns the object's namespace and name.
func KeyOf(o metav1.Object) types.NamespacedName {
	return types.NamespacedName{Namespace: o.GetNamespace(), Name: o.GetName()}
}

func compareKeys(a, b types.NamespacedName) int {
	return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
}

// All returns the objects in order. The caller must not change the slice.
func (s Set[T]) All() []T { return s.sorted }

// Len returns how many objects there are.
func (s Set[T]) Len() int { return len(s.sorted) }

// Get returns the object of that key.
func (s Set[T]) Get(namespace, name string) (T, bool) {
	i, ok := s.find(types.NamespacedName{Namespace: namespace, Name: name})
	if !ok {
		var none T
		return none, false
	}
	return s.sorted[i], true
}

// InNamespace returns the objects of one namespace, in order.
func (s Set[T]) InNamespace(namespace string) []T {
	from, _ := s.find(types.NamespacedName{Namespace: namespace})
	to := from
	for to < len(s.sorted) && s.sorted[to].GetNamespace() == namespace {
		to++
	}
	return s.sorted[from:to]
}

// Where returns the set of those objects that are to be kept.
func (s Set[T]) Where(keep func(T) bool) Set[T] {
	var out []T
	for _, o := range s.sorted {
		if keep(o) {
			out = append(out, o)
		}
	}
	return Set[T]{sorted: out}
}

func (s Set[T]) with(o T) Set[T] {
	i, ok := s.find(KeyOf(o))
	if ok {
		out := slices.Clone(s.sorted)
		out[i] = o
		return Set[T]{sorted: out}
	}
	return Set[T]{sorted: slices.Insert(slices.Clone(s.sorted), i, o)}
}

func (s Set[T]) without(key types.NamespacedName) Set[T] {
	i, ok := s.find(key)
	if !ok {
		return s
	}
	return Set[T]{sorted: slices.Delete(slices.Clone(s.sorted), i, i+1)}
}

func (s Set[T]) find(key types.NamespacedName) (int, bool) {
	return slices.BinarySearchFunc(s.sorted, key, func(o T, k types.NamespacedName) int {
		return compareKeys(KeyOf(o), k)
	})
}
