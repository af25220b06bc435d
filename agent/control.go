package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/gatewright/gatewright/compiler/bundle"
)

const (
	// maxBody bounds an encoded bundle. Secrets, where it must fit too, end at
	// one MiB.
	maxBody    = 16 << 20
	maxHeader  = 16 << 10
	maxStreams = 16
)

// controlServer serves the control API. work is the context in which bundles
// are applied: a client that goes away does not stop one halfway.
func controlServer(work context.Context, o Options, a *applier) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	return &http.Server{
		Handler:           controlHandler(work, a, o.Logger),
		TLSConfig:         controlTLS(o.IdentityDir),
		Protocols:         protocols,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		WriteTimeout:      time.Minute + 4*o.ApplyTimeout,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(o.Logger.Handler(), slog.LevelDebug),
	}
}

func controlHandler(work context.Context, a *applier, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+bundle.PathState, func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, a.state())
	})
	mux.HandleFunc("PUT "+bundle.PathBundle, func(w http.ResponseWriter, r *http.Request) {
		status, state, err := push(work, a, w, r)
		if err != nil {
			log.Warn("bundle not applied", "status", status, "error", err)
			http.Error(w, err.Error(), status)
			return
		}
		answer(w, status, state)
	})
	mux.HandleFunc("PATCH "+bundle.PathBundle, func(w http.ResponseWriter, r *http.Request) {
		status, state, err := patch(a, w, r)
		if err != nil {
			log.Debug("patch not applied", "status", status, "error", err)
			http.Error(w, err.Error(), status)
			return
		}
		answer(w, status, state)
	})
	return mux
}

// patch decodes and applies a patch.
func patch(a *applier, w http.ResponseWriter, r *http.Request) (int, bundle.State, error) {
	if err := a.acquire(r.Context()); err != nil {
		return http.StatusServiceUnavailable, bundle.State{}, err
	}
	defer a.release()
	var p bundle.Patch
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&p); err != nil {
		return http.StatusBadRequest, bundle.State{}, fmt.Errorf("decode patch: %w", err)
	}
	state, err := a.patch(p)
	var no *refusal
	switch {
	case errors.Is(err, errBase):
		return http.StatusConflict, state, nil
	case errors.As(err, &no):
		return http.StatusBadRequest, state, err
	case err != nil:
		return http.StatusServiceUnavailable, state, err
	}
	return http.StatusOK, state, nil
}

// push decodes and applies one bundle. It decodes with the slot in hand, so
// that only one is in memory.
func push(work context.Context, a *applier, w http.ResponseWriter, r *http.Request) (int, bundle.State, error) {
	if err := a.acquire(r.Context()); err != nil {
		return http.StatusServiceUnavailable, bundle.State{}, err
	}
	defer a.release()
	b, err := bundle.Decode(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return http.StatusBadRequest, bundle.State{}, err
	}
	state, err := a.apply(work, b)
	switch {
	case errors.Is(err, errStopped), errors.Is(err, errNotRunning):
		return http.StatusServiceUnavailable, state, err
	case err != nil:
		return http.StatusInternalServerError, state, err
	case state.Refused != nil:
		return http.StatusUnprocessableEntity, state, nil
	}
	return http.StatusOK, state, nil
}

func answer(w http.ResponseWriter, status int, state bundle.State) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// An answer that is lost is asked for again.
	_ = json.NewEncoder(w).Encode(state)
}
