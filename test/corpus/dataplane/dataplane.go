package dataplane

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gatewright/gatewright/agent/hop"
	"github.com/gatewright/gatewright/agent/resolver"
	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/test/nginxroot"
)

// DataPlane is a bundle in a directory, in namespaces.
type DataPlane struct {
	bundle    bundle.Bundle
	root      string
	run       string
	namespace *namespace
	output    lockedBuffer
	nginx     *exec.Cmd
	// exited is closed when nginx has ended.
	exited chan struct{}
	stop   []func()
}

// New lays out the bundle as the agent does. Close the data plane.
func New(ctx context.Context, b bundle.Bundle) (*DataPlane, error) {
	root, err := nginxroot.Path(ctx)
	if err != nil {
		return nil, err
	}
	run, err := os.MkdirTemp("", "gatewright-run-")
	if err != nil {
		return nil, fmt.Errorf("make a run directory: %w", err)
	}
	d := &DataPlane{bundle: b, root: root, run: run}
	if err := d.layOut(); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	if d.namespace, err = newNamespace(root, run); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func (d *DataPlane) layOut() error {
	dir := filepath.Join(d.run, filepath.Base(bundle.RunDir))
	conf := filepath.Join(dir, "conf")
	files := map[string][]byte{
		// The agent's own files; here, they only have to be there.
		filepath.Join(conf, "generation.conf"): []byte("location = /generation { return 200; }\n"),
		filepath.Join(conf, "websockets.conf"): []byte("limit_conn_zone $gw_websocket zone=gw_websockets:512k;\n"),
	}
	for _, f := range d.bundle.Files {
		files[filepath.Join(conf, f.Path)] = f.Data
	}
	for _, f := range d.bundle.Certificates {
		files[filepath.Join(dir, f.Path)] = f.Data
	}
	// nginx's workers are not root, as the test is.
	if err := os.Chmod(d.run, 0o755); err != nil {
		return fmt.Errorf("open the run directory: %w", err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "tmp"), 0o777); err != nil {
		return fmt.Errorf("make the directory of temporary files: %w", err)
	}
	for path, data := range files {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("lay out the bundle: %w", err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			return fmt.Errorf("lay out the bundle: %w", err)
		}
	}
	return nil
}

// Check returns nginx's verdict on the bundle: nil, or its words.
func (d *DataPlane) Check(ctx context.Context) error {
	return d.namespace.do(func() error {
		out, err := d.command(ctx, "-t", "-q").CombinedOutput()
		if err != nil {
			return fmt.Errorf("nginx -t: %w\n%s", err, out)
		}
		// Warnings are mistakes of ours, too.
		if len(out) > 0 {
			return fmt.Errorf("nginx -t says:\n%s", out)
		}
		return nil
	})
}

func (d *DataPlane) command(ctx context.Context, args ...string) *exec.Cmd {
	return nginxroot.Command(ctx, d.root, append([]string{"-c", bundle.ConfDir + "/nginx.conf"}, args...)...)
}

// Start starts the DNS server that the agent would run, and nginx, and waits
// until nginx serves and knows the members of its upstreams.
func (d *DataPlane) Start(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	d.stop = append(d.stop, cancel)
	var names *resolver.Server
	err := d.namespace.do(func() (err error) {
		address := fmt.Sprintf("127.0.0.1:%d", bundle.ResolverPort)
		names, err = resolver.Listen(ctx, resolver.Options{Address: address})
		return err
	})
	if err != nil {
		return err
	}
	names.Update(d.bundle.Upstreams)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = names.Serve(ctx)
	}()
	d.stop = append(d.stop, func() { <-served })

	if err := d.startHop(); err != nil {
		return err
	}
	d.nginx = d.command(context.WithoutCancel(ctx), "-g", "daemon off;")
	d.nginx.Stdout, d.nginx.Stderr = &d.output, &d.output
	if err := d.namespace.do(d.nginx.Start); err != nil {
		return fmt.Errorf("start nginx: %w", err)
	}
	d.exited = make(chan struct{})
	go func() {
		defer close(d.exited)
		_ = d.nginx.Wait()
	}()
	return d.waitUntilReady(ctx, names)
}

// startHop starts the hop that the agent would run.
func (d *DataPlane) startHop() error {
	h := hop.New(hop.Options{
		Socket: filepath.Join(d.run, filepath.Base(bundle.RunDir), filepath.Base(bundle.HopSocket)),
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			var c net.Conn
			err := d.namespace.do(func() (err error) {
				c, err = new(net.Dialer).DialContext(ctx, network, address)
				return err
			})
			return c, err
		},
	})
	d.stop = append(d.stop, h.Close)
	table, err := h.Prepare(d.bundle)
	if err != nil {
		return fmt.Errorf("prepare the hop: %w", err)
	}
	if err := h.Use(table, nil); err != nil {
		return fmt.Errorf("start the hop: %w", err)
	}
	if len(d.bundle.Hop.Rules) == 0 {
		return nil
	}
	// nginx's workers are not root, as the test is.
	if err := os.Chmod(filepath.Join(d.run, filepath.Base(bundle.RunDir), filepath.Base(bundle.HopSocket)), 0o666); err != nil {
		return fmt.Errorf("open the hop's socket: %w", err)
	}
	return nil
}

func (d *DataPlane) waitUntilReady(ctx context.Context, names *resolver.Server) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		c, err := d.Dial("127.0.0.1", bundle.StatusPort)
		if err == nil {
			_ = c.Close()
			// nginx asks a second time once it has taken in the members.
			if names.Stats().Held >= len(d.bundle.Upstreams) {
				return nil
			}
		}
		select {
		case <-d.exited:
			return fmt.Errorf("nginx ended:\n%s", d.Log())
		case <-ctx.Done():
			return fmt.Errorf("wait for nginx: %w\n%s", ctx.Err(), d.Log())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Listen opens a socket for a backend.
func (d *DataPlane) Listen(address string, port uint16) (net.Listener, error) {
	var l net.Listener
	err := d.namespace.do(func() (err error) {
		l, err = net.Listen("tcp", net.JoinHostPort(address, fmt.Sprint(port)))
		return err
	})
	return l, err
}

// Dial connects to a port.
func (d *DataPlane) Dial(address string, port int) (net.Conn, error) {
	var c net.Conn
	err := d.namespace.do(func() (err error) {
		c, err = net.Dial("tcp", net.JoinHostPort(address, fmt.Sprint(port)))
		return err
	})
	return c, err
}

// Launch starts a process that has the data plane's network. Its files are those
// of the host.
func (d *DataPlane) Launch(c *exec.Cmd) error { return d.namespace.do(c.Start) }

// PID is that of nginx's master process, once it is started.
func (d *DataPlane) PID() int { return d.nginx.Process.Pid }

// Log returns what nginx has said.
func (d *DataPlane) Log() string { return strings.TrimSpace(d.output.String()) }

// Close ends nginx and everything else.
func (d *DataPlane) Close() error {
	var errs []error
	if d.exited != nil {
		// It may have ended by itself.
		_ = d.nginx.Process.Signal(syscall.SIGTERM)
		<-d.exited
	}
	for _, stop := range d.stop {
		stop()
	}
	if d.namespace != nil {
		d.namespace.close()
	}
	return errors.Join(append(errs, os.RemoveAll(d.run))...)
}

// lockedBuffer is a buffer that can be read while nginx writes to it.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
