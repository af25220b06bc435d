package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatewright/gatewright/test/bench/control/workload"
)

const (
	// probePause is the time between two requests for one host that is waited
	// for.
	probePause = 2 * time.Millisecond
	// probesAtOnce is how many hosts are asked for at a time.
	probesAtOnce = 4
)

var errNotServed = errors.New("not served in time")

// met says whether an answer is what is waited for.
type met func(*http.Response) bool

func served(r *http.Response) bool { return r.StatusCode == http.StatusOK }

func gone(r *http.Response) bool { return r.StatusCode == http.StatusNotFound }

func ofRevision(revision int) met {
	return func(r *http.Response) bool {
		return served(r) && r.Header.Get(workload.RevisionHeader) == fmt.Sprint(revision)
	}
}

func fromBackend(ip string) met {
	return func(r *http.Response) bool { return served(r) && r.Header.Get(backendHeader) == ip }
}

// laptop returns a client on the home LAN. A kept connection stays with the
// worker that it began with, of which routes never change.
func (b *bench) laptop(keep bool) *http.Client {
	transport := b.lab.Transport(b.address)
	transport.DisableKeepAlives = !keep
	transport.MaxIdleConnsPerHost = 1000
	return &http.Client{Transport: transport, Timeout: 10 * time.Second}
}

// ask sends one request for the i-th route.
func ask(ctx context.Context, c *http.Client, i int) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+workload.Host(i)+"/", http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := c.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response, err
}

// await asks for the routes until each answer is what is waited for, and
// returns when that was, in the order of the routes.
func (b *bench) await(ctx context.Context, routes []int, is met) ([]time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c := b.laptop(false)
	at := make([]time.Time, len(routes))
	queue := make(chan int, len(routes))
	for place := range routes {
		queue <- place
	}
	var left atomic.Int64
	left.Store(int64(len(routes)))
	var workers sync.WaitGroup
	done, finish := context.WithCancel(ctx)
	defer finish()
	for range min(probesAtOnce, len(routes)) {
		workers.Go(func() {
			for {
				select {
				case <-done.Done():
					return
				case place := <-queue:
					response, err := ask(done, c, routes[place])
					if err == nil && is(response) {
						at[place] = time.Now()
						if left.Add(-1) == 0 {
							finish()
						}
						continue
					}
					time.Sleep(probePause)
					queue <- place
				}
			}
		})
	}
	workers.Wait()
	if n := left.Load(); n > 0 {
		return nil, fmt.Errorf("%d of %d routes: %w", n, len(routes), errNotServed)
	}
	return at, nil
}

// watchman asks for routes that do not change, all the time, and counts the
// answers that are not 200.
type watchman struct {
	stop           context.CancelFunc
	done           chan struct{}
	asked, refused atomic.Int64
}

// watch begins with the first route, half over kept connections, half over new
// ones.
func (b *bench) watch(ctx context.Context) *watchman {
	ctx, stop := context.WithCancel(ctx)
	w := &watchman{stop: stop, done: make(chan struct{})}
	clients := []*http.Client{b.laptop(true), b.laptop(false)}
	go func() {
		defer close(w.done)
		for n := 0; ctx.Err() == nil; n++ {
			response, err := ask(ctx, clients[n%len(clients)], 0)
			if ctx.Err() != nil {
				return
			}
			w.asked.Add(1)
			if err != nil || !served(response) {
				w.refused.Add(1)
				sayFailed(0, response, err)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	return w
}

// sayFailed tells who waits why a request for the i-th route has failed.
func sayFailed(i int, r *http.Response, err error) {
	if err == nil {
		err = errors.New(r.Status)
	}
	say("  a request for %s failed: %v", workload.Host(i), err)
}

// end returns how many requests there were, and how many of them failed.
func (w *watchman) end() (asked, refused int64) {
	w.stop()
	<-w.done
	return w.asked.Load(), w.refused.Load()
}
