package load

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatewright/gatewright/test/bench/report"
)

// output runs a command to its end and returns what it printed.
func output(ctx context.Context, f Field, args []string) ([]byte, error) {
	var out, faults bytes.Buffer
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	c.Stdout, c.Stderr = &out, &faults
	if err := f.Launch(c); err != nil {
		return nil, err
	}
	if err := c.Wait(); err != nil {
		return nil, fmt.Errorf("%w\n%s%s", err, out.Bytes(), faults.Bytes())
	}
	return out.Bytes(), nil
}

// wrkArguments ask for one thread, since it is to have one core.
func wrkArguments(p Plan) []string {
	args := []string{
		"--threads", "1", "--connections", fmt.Sprint(p.Connections), "--latency", "--timeout", "10s",
		// It counts in whole seconds.
		"--duration", fmt.Sprintf("%ds", max(1, int(p.Duration.Round(time.Second).Seconds()))),
		"--header", "Host: " + p.Host,
	}
	for _, h := range p.Headers {
		args = append(args, "--header", h)
	}
	if p.Close {
		args = append(args, "--header", "Connection: close")
	}
	return append(args, "http://"+p.address()+p.Path)
}

func runWrk(ctx context.Context, f Field, p Plan) (Result, error) {
	command, err := f.Command("wrk", wrkArguments(p)...)
	if err != nil {
		return Result{}, err
	}
	out, err := output(ctx, f, command)
	if err != nil {
		return Result{}, err
	}
	return parseWrk(string(out))
}

var (
	wrkCount   = regexp.MustCompile(`(?m)^\s*(\d+) requests in `)
	wrkRate    = regexp.MustCompile(`(?m)^Requests/sec:\s+([0-9.]+)$`)
	wrkLatency = regexp.MustCompile(`(?m)^\s+(50|99)%\s+([0-9.]+)(us|ms|s|m)$`)
	wrkSockets = regexp.MustCompile(`(?m)^\s+Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)$`)
	wrkStatus  = regexp.MustCompile(`(?m)^\s+Non-2xx or 3xx responses: (\d+)$`)
)

var wrkUnits = map[string]float64{"us": 1e-3, "ms": 1, "s": 1e3, "m": 60e3}

func parseWrk(out string) (Result, error) {
	var r Result
	rate, count := wrkRate.FindStringSubmatch(out), wrkCount.FindStringSubmatch(out)
	if rate == nil || count == nil {
		return r, fmt.Errorf("wrk's words are not understood:\n%s", out)
	}
	r.Rate, _ = strconv.ParseFloat(rate[1], 64)
	r.Count, _ = strconv.ParseInt(count[1], 10, 64)
	for _, m := range wrkLatency.FindAllStringSubmatch(out, -1) {
		value, _ := strconv.ParseFloat(m[2], 64)
		value *= wrkUnits[m[3]]
		if m[1] == "50" {
			r.P50 = value
		} else {
			r.P99 = value
		}
	}
	if m := wrkSockets.FindStringSubmatch(out); m != nil {
		for _, text := range m[1:] {
			n, _ := strconv.ParseInt(text, 10, 64)
			r.Failed += n
		}
	}
	if m := wrkStatus.FindStringSubmatch(out); m != nil {
		n, _ := strconv.ParseInt(m[1], 10, 64)
		r.Failed += n
		r.Count -= n
	}
	return r, nil
}

// h2loadArguments ask over TLS, so that HTTP/2 is agreed on as browsers do it.
func h2loadArguments(p Plan, log, body string) []string {
	args := []string{
		"--threads=1", fmt.Sprintf("--clients=%d", p.Connections), fmt.Sprintf("--max-concurrent-streams=%d", max(1, p.Streams)),
		fmt.Sprintf("--duration=%g", p.Duration.Seconds()), "--log-file=" + log, "--connect-to=" + p.address(),
	}
	for _, h := range p.Headers {
		args = append(args, "--header="+h)
	}
	if p.Body > 0 {
		args = append(args, "--data="+body)
	}
	return append(args, fmt.Sprintf("https://%s:%d%s", p.Host, p.Port, p.Path))
}

func runH2load(ctx context.Context, f Field, p Plan) (Result, error) {
	log := f.TempFile("h2load.log")
	// It appends.
	if err := os.Remove(log); err != nil && !os.IsNotExist(err) {
		return Result{}, err
	}
	body := f.TempFile("h2load.body")
	if err := os.WriteFile(body, p.body(), 0o644); err != nil {
		return Result{}, fmt.Errorf("write the body: %w", err)
	}
	command, err := f.Command("h2load", h2loadArguments(p, log, body)...)
	if err != nil {
		return Result{}, err
	}
	out, err := output(ctx, f, command)
	if err != nil {
		return Result{}, err
	}
	entries, err := os.ReadFile(log)
	if err != nil {
		return Result{}, fmt.Errorf("read h2load's log: %w", err)
	}
	return parseH2load(string(out), string(entries))
}

// body of each request. A message of gRPC has a byte that says whether it is
// compressed and four with its length before it.
func (p Plan) body() []byte {
	data := bytes.Repeat([]byte("b"), int(p.Body))
	if p.GRPC {
		return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(p.Body)), data...)
	}
	return data
}

var (
	h2loadRate   = regexp.MustCompile(`(?m)^finished in [^,]+, ([0-9.]+) req/s`)
	h2loadCounts = regexp.MustCompile(`(?m)^requests: .* (\d+) succeeded, (\d+) failed, (\d+) errored`)
)

// parseH2load takes counts from what h2load prints, and times from its log: a
// line for each request with when it began, its status, and how long it took in
// microseconds.
func parseH2load(out, log string) (Result, error) {
	var r Result
	rate, counts := h2loadRate.FindStringSubmatch(out), h2loadCounts.FindStringSubmatch(out)
	if rate == nil || counts == nil {
		return r, fmt.Errorf("h2load's words are not understood:\n%s", out)
	}
	r.Rate, _ = strconv.ParseFloat(rate[1], 64)
	r.Count, _ = strconv.ParseInt(counts[1], 10, 64)
	r.Failed, _ = strconv.ParseInt(counts[2], 10, 64)
	var took []float64
	for line := range strings.Lines(log) {
		fields := strings.Fields(line)
		if len(fields) != 3 {
			continue
		}
		micros, err := strconv.ParseFloat(fields[2], 64)
		if err != nil {
			return r, fmt.Errorf("h2load's log is not understood: %w", err)
		}
		took = append(took, micros/1000)
	}
	if len(took) == 0 {
		return r, fmt.Errorf("h2load's log is empty; it printed:\n%s", out)
	}
	slices.Sort(took)
	r.P50, r.P99 = report.Percentile(took, 50), report.Percentile(took, 99)
	return r, nil
}
