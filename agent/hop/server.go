package hop

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

const (
	// idleServerTime is far above nginx's keepalive_timeout of an upstream, so
	// that it is nginx who closes an idle connection.
	idleServerTime = 5 * time.Minute
	// headerTime is how long nginx may take for the headers of a request, all of
	// which it has when it begins.
	headerTime = 30 * time.Second
	// socketMode is for the user that nginx runs as, which is the agent's.
	socketMode = 0o600
)

// Options of a Server.
type Options struct {
	// Socket is the path of the Unix socket.
	Socket string
	// Dial connects to endpoints; nil for the usual way.
	Dial   func(ctx context.Context, network, address string) (net.Conn, error)
	Logger *slog.Logger
}

// Server is the hop. It listens while its tables have rules.
type Server struct {
	options  Options
	log      *slog.Logger
	complain *rate.Limiter
	failures *failures
	counts   counts
	live     atomic.Pointer[tables]
	// base ends when the hop is closed, and with it what was hijacked.
	base  context.Context
	close context.CancelFunc

	// mu is for Use and Close.
	mu     sync.Mutex
	http   *http.Server
	served sync.WaitGroup
}

// tables are the live one, and the one before the last reload: requests of
// nginx's old workers may still name its rules.
type tables struct {
	current, carried *Table
}

func (t *tables) rule(id string) *rule {
	for _, table := range []*Table{t.current, t.carried} {
		if table != nil && table.rules[id] != nil {
			return table.rules[id]
		}
	}
	return nil
}

func (t *tables) transport(w way) *http.Transport {
	for _, table := range []*Table{t.current, t.carried} {
		if table != nil && table.transports[w] != nil {
			return table.transports[w]
		}
	}
	return nil
}

// New returns a hop that has no rules yet, and takes nothing.
func New(o Options) *Server {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{
		options: o, log: o.Logger, failures: newFailures(),
		// One broken backend must not fill the log.
		complain: rate.NewLimiter(rate.Every(time.Second), 10),
	}
	s.base, s.close = context.WithCancel(context.Background())
	s.live.Store(&tables{})
	return s
}

func (s *Server) transport(w way) *http.Transport { return s.live.Load().transport(w) }

// Use makes the tables the ones that new requests are served by: the rules of
// current, and those of carried that current has not; either may be nil. It
// starts to listen with the first rule, and stops with the last. It fails when
// the socket cannot be listened on; then nothing has changed.
func (s *Server) Use(current, carried *Table) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := &tables{current, carried}
	wanted := !current.empty() || !carried.empty()
	if wanted && s.http == nil {
		if err := s.listen(); err != nil {
			return err
		}
	}
	before := s.live.Swap(next)
	for _, table := range []*Table{before.current, before.carried} {
		if table == nil {
			continue
		}
		for w, t := range table.transports {
			if next.transport(w) != t {
				t.CloseIdleConnections()
			}
		}
	}
	if !wanted && s.http != nil {
		s.retire()
	}
	return nil
}

// listen opens the socket and serves on it. Needs the lock.
func (s *Server) listen() error {
	// A socket that an agent left that was killed.
	if err := os.Remove(s.options.Socket); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("clear the hop's socket: %w", err)
	}
	var network net.ListenConfig
	listener, err := network.Listen(s.base, "unix", s.options.Socket)
	if err != nil {
		return fmt.Errorf("listen on the hop's socket: %w", err)
	}
	if err := os.Chmod(s.options.Socket, socketMode); err != nil {
		_ = listener.Close()
		return fmt.Errorf("protect the hop's socket: %w", err)
	}
	server := s.newServer()
	s.http = server
	s.served.Go(func() {
		if err := server.Serve(listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("serve on the hop's socket", "error", err)
		}
	})
	return nil
}

func (s *Server) newServer() *http.Server {
	server := &http.Server{
		Handler:           s,
		BaseContext:       func(net.Listener) context.Context { return s.base },
		ReadHeaderTimeout: headerTime,
		IdleTimeout:       idleServerTime,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		Protocols:         new(http.Protocols),
		HTTP2: &http.HTTP2Config{
			MaxReceiveBufferPerStream: streamBuffer, MaxReceiveBufferPerConnection: connBuffer,
		},
	}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	return server
}

// retire closes the socket, and lets what is under way end by itself. Needs the
// lock.
func (s *Server) retire() {
	server := s.http
	s.http = nil
	// Shutdown closes the listener before it waits.
	ready := make(chan struct{})
	server.RegisterOnShutdown(func() { close(ready) })
	s.served.Go(func() {
		if server.Shutdown(s.base) != nil {
			_ = server.Close()
		}
	})
	<-ready
}

// Close breaks off all that is under way and stops listening. Call it when
// nginx has ended.
func (s *Server) Close() {
	s.mu.Lock()
	server := s.http
	s.http = nil
	s.mu.Unlock()
	s.close()
	if server != nil {
		_ = server.Close()
	}
	s.served.Wait()
	t := s.live.Swap(&tables{})
	for _, table := range []*Table{t.current, t.carried} {
		if table == nil {
			continue
		}
		for _, transport := range table.transports {
			transport.CloseIdleConnections()
		}
	}
}
