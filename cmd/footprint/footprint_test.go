package footprint

import (
	"runtime"
	"testing"
)

func TestMemoryIsGivenBackOnlyByWhoIsQuietAndHasMuch(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	before := usage{allocated: 500 * mib}
	tests := map[string]struct {
		now  usage
		want bool
	}{
		"garbage of a burst":                       {usage{allocated: 500 * mib, objects: 60 * mib, live: 20 * mib}, true},
		"room that a burst has left":               {usage{allocated: 500 * mib, objects: 20 * mib, live: 20 * mib, free: 30 * mib}, true},
		"a burst that goes on":                     {usage{allocated: 540 * mib, objects: 60 * mib, live: 20 * mib}, false},
		"nothing to be had":                        {usage{allocated: 500 * mib, objects: 21 * mib, live: 20 * mib, free: mib}, false},
		"objects made since the last collection":   {usage{allocated: 500 * mib, objects: 19 * mib, live: 20 * mib, free: mib}, false},
		"the fragments of a heap that stays large": {usage{allocated: 500 * mib, objects: 200 * mib, live: 200 * mib, free: 10 * mib}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := test.now.due(before); got != test.want {
				t.Errorf("due: %v, want %v", got, test.want)
			}
		})
	}
}

func TestTheRuntimeTellsItsMemory(t *testing.T) {
	t.Parallel()
	before := read()
	kept := make([]byte, 8<<20)
	now := read()
	runtime.KeepAlive(kept)
	if now.allocated-before.allocated < 8<<20 || now.objects < 8<<20 {
		t.Errorf("%+v after 8 MiB more than %+v", now, before)
	}
}
