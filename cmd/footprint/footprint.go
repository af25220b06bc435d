package footprint

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// gcPercent makes the heap grow by half of what is live before it is
	// collected, where by default it would double: on a small board memory is dearer
	// than the time to collect it sooner.
	gcPercent = 50
	// interval is how long a process is watched before it is taken to be quiet.
	interval = 5 * time.Second
	// quiet is how much a process may allocate in an interval that does little: the
	// agent of 5,000 routes 4 to 7 MiB, since nginx repeats its queries.
	quiet = 8 << 20
	// worthwhile is the least to be had for a collection, which takes some 10 ms
	// of a processor for 20 MiB that are live.
	worthwhile = 3 << 20
)

// CollectEarly is for processes that nobody waits for. GOGC, where it is set, has
// precedence.
func CollectEarly() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}

// Tend gives back to the system what a burst of work has needed, when it is over:
// Go's runtime alone would keep garbage as large as all that is live, and more
// until two minutes have passed. It returns when ctx ends.
func Tend(ctx context.Context) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	before := read()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now := read()
		if now.due(before) {
			debug.FreeOSMemory()
			now = read()
		}
		before = now
	}
}

// usage is what the runtime says of its memory, in bytes.
type usage struct {
	// allocated is all that was ever allocated.
	allocated uint64
	// objects are live or garbage; live is what the last collection has left.
	objects, live uint64
	// free holds no objects, and is not given back yet.
	free uint64
}

// due says whether the process has been quiet since before, and has much to give
// back. A process that is never quiet keeps what it would soon need again.
func (u usage) due(before usage) bool {
	garbage := u.objects - min(u.live, u.objects)
	return u.allocated-before.allocated <= quiet && garbage+u.free >= worthwhile+u.live/8
}

func read() usage {
	samples := []metrics.Sample{
		{Name: "/gc/heap/allocs:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
	}
	metrics.Read(samples)
	value := func(i int) uint64 { return samples[i].Value.Uint64() }
	return usage{allocated: value(0), objects: value(1), live: value(2), free: value(3)}
}
