package hop_test

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/test/nginxroot"
)

const benchConfig = `daemon off; master_process off; pid %[1]s/pid; error_log stderr warn;
worker_rlimit_nofile 4096;
events { worker_connections 1024; }
http {
    access_log off;
    client_body_temp_path %[1]s/a; proxy_temp_path %[1]s/b; fastcgi_temp_path %[1]s/c;
    uwsgi_temp_path %[1]s/d; scgi_temp_path %[1]s/e;
    keepalive_requests 10000000; client_header_buffer_size 4k;
    proxy_http_version 1.1; proxy_buffering off; proxy_set_header Connection ""; proxy_set_header Host $host;
    upstream direct { server 127.0.0.1:%[3]s; keepalive 32; keepalive_requests 10000000; }
    upstream hop { server unix:%[2]s; keepalive 32; keepalive_requests 10000000; }
    server {
        listen 127.0.0.1:%[4]s;
        location /direct { proxy_pass http://direct; }
        location /hop { proxy_pass http://hop; proxy_set_header Gatewright-Hop rule; proxy_set_header Connection ""; proxy_set_header Host $host; }
    }
}`

const backendConfig = `daemon off; master_process off; pid %[1]s/pid; error_log stderr warn;
events { worker_connections 1024; }
http {
    access_log off; keepalive_requests 10000000;
    client_body_temp_path %[1]s/a; proxy_temp_path %[1]s/b; fastcgi_temp_path %[1]s/c;
    uwsgi_temp_path %[1]s/d; scgi_temp_path %[1]s/e;
    server { listen 127.0.0.1:%[2]s; location / { return 200 "%[3]s"; } }
}`

const bodySize = 1024

// BenchmarkBehindNginx compares nginx to a backend with nginx through the hop
// to the same backend, in one run, as the ratio of requests in a second and of
// the 99th percentile of their times.
func BenchmarkBehindNginx(b *testing.B) {
	r := newRig(b)
	backend, front := freePort(b), freePort(b)
	runNginx(b, func(dir string) string {
		return fmt.Sprintf(backendConfig, dir, backend, strings.Repeat("x", bodySize))
	})
	runNginx(b, func(dir string) string { return fmt.Sprintf(benchConfig, dir, r.socket, backend, front) })
	r.serve(func(rule *bundle.HopRule) {
		rule.RequestTimeoutMillis, rule.BackendTimeoutMillis = 10_000, 5_000
		rule.Retry = &bundle.HopRetry{Attempts: 2, Codes: []int{500}}
	}, "127.0.0.1:"+backend)
	address := "127.0.0.1:" + front
	load(b, address, "/direct", 1000)
	load(b, address, "/hop", 1000)
	const rounds = 4
	var direct, hop measurement
	b.ResetTimer()
	for range rounds {
		direct.add(load(b, address, "/direct", b.N/rounds+1))
		hop.add(load(b, address, "/hop", b.N/rounds+1))
	}
	b.StopTimer()
	b.ReportMetric(direct.rate(), "direct-req/s")
	b.ReportMetric(hop.rate(), "hop-req/s")
	b.ReportMetric(hop.rate()/direct.rate(), "hop/direct-req/s")
	b.ReportMetric(float64(hop.percentile(99))/float64(direct.percentile(99)), "hop/direct-p99")
	b.ReportMetric(float64(hop.percentile(50).Microseconds())/1000, "hop-p50-ms")
	b.ReportMetric(float64(hop.percentile(99).Microseconds())/1000, "hop-p99-ms")
	b.ReportMetric(hop.perRequest(hop.mallocs)-direct.perRequest(direct.mallocs), "hop-allocs/req")
	b.ReportMetric(hop.perRequest(hop.bytes)-direct.perRequest(direct.bytes), "hop-B/req")
}

type measurement struct {
	times          []time.Duration
	elapsed        time.Duration
	mallocs, bytes uint64
}

func (m *measurement) add(o measurement) {
	m.times = append(m.times, o.times...)
	m.elapsed += o.elapsed
	m.mallocs += o.mallocs
	m.bytes += o.bytes
}

func (m *measurement) rate() float64 { return float64(len(m.times)) / m.elapsed.Seconds() }

func (m *measurement) perRequest(n uint64) float64 { return float64(n) / float64(len(m.times)) }

func (m *measurement) percentile(p int) time.Duration {
	slices.Sort(m.times)
	return m.times[min(len(m.times)-1, len(m.times)*p/100)]
}

// load sends n requests over 16 connections, one after the other on each.
func load(b *testing.B, address, path string, n int) measurement {
	b.Helper()
	const clients = 16
	each := n/clients + 1
	times := make([][]time.Duration, clients)
	for i := range times {
		times[i] = make([]time.Duration, 0, each)
	}
	request := []byte("GET " + path + " HTTP/1.1\r\nHost: www.example.net\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	started := time.Now()
	var wait sync.WaitGroup
	for i := range clients {
		wait.Go(func() {
			c, err := net.Dial("tcp", address)
			if err != nil {
				b.Error(err)
				return
			}
			defer c.Close()
			reader := bufio.NewReader(c)
			for range each {
				at := time.Now()
				if err := roundTrip(c, reader, request); err != nil {
					b.Error(err)
					return
				}
				times[i] = append(times[i], time.Since(at))
			}
		})
	}
	wait.Wait()
	m := measurement{elapsed: time.Since(started), times: slices.Concat(times...)}
	runtime.ReadMemStats(&after)
	m.mallocs, m.bytes = after.Mallocs-before.Mallocs, after.TotalAlloc-before.TotalAlloc
	return m
}

func roundTrip(c net.Conn, reader *bufio.Reader, request []byte) error {
	if _, err := c.Write(request); err != nil {
		return err
	}
	for first := true; ; first = false {
		line, err := reader.ReadSlice('\n')
		if err != nil {
			return err
		}
		if first && !bytes.HasPrefix(line, []byte("HTTP/1.1 200")) {
			return fmt.Errorf("answered %q", line)
		}
		if len(line) == 2 {
			break
		}
	}
	_, err := reader.Discard(bodySize)
	return err
}

func freePort(b *testing.B) string {
	b.Helper()
	_, port, err := net.SplitHostPort(closedPort(b))
	if err != nil {
		b.Fatal(err)
	}
	return port
}

// runNginx runs the image's nginx outside of a chroot, until the benchmark
// ends.
func runNginx(b *testing.B, config func(dir string) string) {
	b.Helper()
	root, err := nginxroot.Path(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	loaders, _ := filepath.Glob(filepath.Join(root, "lib*", "ld-linux-*.so.*"))
	libraries, _ := filepath.Glob(filepath.Join(root, "usr/lib/*/libc.so.6"))
	if len(loaders) == 0 || len(libraries) == 0 {
		b.Fatalf("no loader or C library in %s", root)
	}
	dir := b.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		b.Fatal(err)
	}
	path := filepath.Join(dir, "nginx.conf")
	text := "user root;\n" + config(dir)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	command := exec.Command(loaders[0], "--library-path", filepath.Dir(libraries[0]), filepath.Join(root, "usr/sbin/nginx"), "-c", path)
	command.Stderr = os.Stderr
	if err := command.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	listen := strings.Split(strings.SplitN(text, "listen ", 2)[1], ";")[0]
	for range 200 {
		if c, err := net.Dial("tcp", listen); err == nil {
			c.Close()
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	b.Fatal("nginx does not listen")
}
