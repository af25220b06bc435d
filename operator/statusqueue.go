package operator

import (
	"context"
	"sync"
	"time"

	"github.com/go-logr/logr"
)

// statusRetry is how soon statuses that could not be written are tried again,
// if nothing else makes for it.
const statusRetry = 5 * time.Second

// statusPace is the least time between two rounds of writes. While routes come by
// the hundred, a Gateway's count of them need not be right after each.
const statusPace = 500 * time.Millisecond

// statusQueue writes statuses beside the reconciler, so that a burst of them
// holds up no bundle. Only the newest work counts.
type statusQueue struct {
	writer *statusWriter
	log    logr.Logger
	pace   *pacer

	mu   sync.Mutex
	work *statusWork
	wake chan struct{}
}

func newStatusQueue(w *statusWriter, log logr.Logger) *statusQueue {
	return &statusQueue{writer: w, log: log, pace: newPacer(statusPace), wake: make(chan struct{}, 1)}
}

// put replaces the work that has not begun.
func (q *statusQueue) put(w statusWork) {
	q.mu.Lock()
	q.work = &w
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *statusQueue) take() *statusWork {
	q.mu.Lock()
	defer q.mu.Unlock()
	w := q.work
	q.work = nil
	return w
}

// putBack has failed work tried again, unless there is newer.
func (q *statusQueue) putBack(w *statusWork) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.work == nil {
		q.work = w
	}
}

// Start implements manager.Runnable.
func (q *statusQueue) Start(ctx context.Context) error {
	retry := time.NewTimer(0)
	defer retry.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-q.wake:
		case <-retry.C:
		}
		if err := q.pace.wait(ctx); err != nil {
			return nil // The context has ended.
		}
		w := q.take()
		if w == nil {
			continue
		}
		if err := q.writer.write(ctx, *w); err != nil && ctx.Err() == nil {
			q.log.Error(err, "writing statuses")
			q.putBack(w)
			retry.Reset(statusRetry)
		}
	}
}
