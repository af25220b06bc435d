package operator

import "sync"

// failures gathers the errors of pieces of work that do not hinder each other.
type failures struct {
	mu  sync.Mutex
	all []error
}

func (f *failures) add(err error) {
	if err == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all = append(f.all, err)
}
