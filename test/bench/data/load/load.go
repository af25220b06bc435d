package load

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"time"
)

// Tool is what puts a plan into effect.
type Tool string

// Tools.
const (
	Wrk        Tool = "wrk"
	H2load     Tool = "h2load"
	Handshakes Tool = "handshakes"
	Sockets    Tool = "sockets"
	Uploads    Tool = "uploads"
)

// Plan is what is asked, and how.
type Plan struct {
	Tool Tool
	// Host is the host that is asked for, at Port of 127.0.0.1.
	Host string
	Port int
	// Path begins with a slash and may have a query.
	Path string
	// Headers are "Name: value".
	Headers []string
	// Connections are open at the same time.
	Connections int
	// Streams are open at the same time on each connection (HTTP/2).
	Streams int
	// Close asks for a new connection for each request (wrk).
	Close bool
	// Resume takes up the TLS session of the connection before (Handshakes).
	Resume bool
	// Body is the length of what is sent with each request, in bytes (Uploads and
	// H2load). GRPC puts the header of a message before it (H2load).
	Body     int64
	GRPC     bool
	Duration time.Duration
}

// String is the plan as a command line.
func (p Plan) String() string {
	words := []string{string(p.Tool)}
	switch p.Tool {
	case Wrk:
		words = append(words, wrkArguments(p)...)
	case H2load:
		words = append(words, h2loadArguments(p, "LOG", "BODY")...)
	default:
		words = append(words, fmt.Sprintf("%d connections to %s, %s%s, for %s", p.Connections, p.address(), p.Host, p.Path, p.Duration))
	}
	for i, w := range words {
		if i > 0 && strings.ContainsAny(w, " ?&") && (p.Tool == Wrk || p.Tool == H2load) {
			words[i] = "'" + w + "'"
		}
	}
	return strings.Join(words, " ")
}

func (p Plan) address() string { return net.JoinHostPort("127.0.0.1", fmt.Sprint(p.Port)) }

// Result is what came of it.
type Result struct {
	// Count of answers, and Rate in answers per second.
	Count int64   `json:"count"`
	Rate  float64 `json:"rate"`
	// P50 and P99 are how long an answer took, in milliseconds.
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	// Failed counts errors of all kinds, and answers that are not 2xx.
	Failed int64 `json:"failed"`
}

// Field is where the tools run.
type Field interface {
	// Command returns arguments that run the tool.
	Command(program string, args ...string) ([]string, error)
	// Launch starts the command where the proxies can be reached.
	Launch(c *exec.Cmd) error
	// TempFile returns the name of a file that the tool may write.
	TempFile(name string) string
}

// Run puts the plan into effect.
func Run(ctx context.Context, f Field, p Plan) (Result, error) {
	var result Result
	var err error
	switch p.Tool {
	case Wrk:
		result, err = runWrk(ctx, f, p)
	case H2load:
		result, err = runH2load(ctx, f, p)
	default:
		result, err = runOwn(ctx, f, p)
	}
	if err != nil {
		return result, fmt.Errorf("load with %s: %w", p.Tool, err)
	}
	if result.Count == 0 {
		return result, fmt.Errorf("load with %s: nothing was answered, %d failed", p.Tool, result.Failed)
	}
	return result, nil
}
