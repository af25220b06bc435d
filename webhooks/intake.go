package webhooks

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

const (
	// maxBody is above what two objects (the old and the new one) of etcd's
	// 1.5 MiB can take.
	maxBody = 4 << 20
	// smallBody is above what nearly all reviews take.
	smallBody = 64 << 10
	// maxReading bodies are read at a time, as far as smallBody, and maxLarge
	// beyond that. Who sends slowly so keeps few from being answered.
	maxReading, maxLarge = 256, 3
	// maxConcurrent reviews are worked on; others wait. Together with the above it
	// bounds the memory that anyone in the cluster can make the process use.
	maxConcurrent = 8
	// maxDuration of a review is below the 3 s that the API server waits.
	maxDuration = 2500 * time.Millisecond
)

// intake limits size, shape, number and duration of the requests that reach the
// handlers. What is over a limit gets an HTTP error: for the API server the
// webhook then failed, and its failurePolicy decides.
type intake struct{ reading, large, working chan struct{} }

func newIntake() intake {
	return intake{make(chan struct{}, maxReading), make(chan struct{}, maxLarge), make(chan struct{}, maxConcurrent)}
}

var (
	errTooLarge = errors.New("the AdmissionReview is too large")
	errTooMany  = errors.New("too many AdmissionReviews at once")
)

// bounded passes requests to next within the limits.
func bounded(next http.Handler, in intake) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), maxDuration)
		defer cancel()
		if r.ContentLength > maxBody {
			refuse(w, errTooLarge)
			return
		}
		// Not every ResponseWriter can do it; the ones of net/http's servers can.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(maxDuration))
		body, release, err := in.read(ctx, r.Body)
		defer release()
		if err != nil {
			refuse(w, err)
			return
		}
		if err := take(ctx, in.working); err != nil {
			refuse(w, err)
			return
		}
		defer func() { <-in.working }()
		r = r.WithContext(ctx)
		r.Body = http.NoBody
		if len(body) > 0 {
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		next.ServeHTTP(w, r)
	})
}

func take(ctx context.Context, slots chan struct{}) error {
	select {
	case slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return errTooMany
	}
}

// read returns a body that may be decoded, and what to call when it is no longer
// needed.
func (in intake) read(ctx context.Context, from io.Reader) (body []byte, release func(), err error) {
	release = func() {}
	if err := take(ctx, in.reading); err != nil {
		return nil, release, err
	}
	body, err = io.ReadAll(io.LimitReader(from, smallBody))
	<-in.reading
	if err != nil {
		return nil, release, err
	}
	if len(body) == smallBody {
		if err := take(ctx, in.large); err != nil {
			return nil, release, err
		}
		release = func() { <-in.large }
		rest, err := io.ReadAll(io.LimitReader(from, maxBody-smallBody+1))
		if err != nil {
			return nil, release, err
		}
		body = append(body, rest...)
	}
	if len(body) > maxBody {
		return nil, release, errTooLarge
	}
	return body, release, checkShape(body)
}

func refuse(w http.ResponseWriter, err error) {
	code := http.StatusBadRequest
	switch {
	case errors.Is(err, errTooMany):
		code = http.StatusServiceUnavailable
	case errors.Is(err, errTooLarge), errors.Is(err, errShape):
		code = http.StatusRequestEntityTooLarge
	}
	http.Error(w, err.Error(), code)
}

const (
	// maxElements of all lists together, maxMembers of all objects, and maxDepth:
	// an object of the API that is as large as it may be stays far below. Two bytes
	// of an empty element become hundreds when they are decoded, so the length
	// alone bounds no memory.
	maxElements = 20_000
	maxMembers  = 100_000
	maxDepth    = 128
)

var errShape = errors.New("the AdmissionReview has too many elements, or is nested too deeply")

// checkShape counts elements and members in text that should be JSON, without
// taking memory. Whether it is JSON is for the decoder to say.
func checkShape(text []byte) error {
	var lists [maxDepth]bool
	depth, elements, members := 0, 0, 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			i = endOfString(text, i)
		case '[', '{':
			if depth == maxDepth {
				return errShape
			}
			lists[depth] = text[i] == '['
			depth++
		case ']', '}':
			depth = max(depth-1, 0)
		case ',':
			if depth > 0 && lists[depth-1] {
				elements++
			} else {
				members++
			}
		}
	}
	if elements > maxElements || members > maxMembers {
		return errShape
	}
	return nil
}

// endOfString returns where the string ends that begins at i.
func endOfString(text []byte, i int) int {
	for i++; i < len(text) && text[i] != '"'; i++ {
		if text[i] == '\\' {
			i++
		}
	}
	return i
}
