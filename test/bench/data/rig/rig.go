package rig

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gatewright/gatewright/test/bench/data/debian"
	"github.com/gatewright/gatewright/test/bench/data/load"
	"github.com/gatewright/gatewright/test/bench/data/site"
	"github.com/gatewright/gatewright/test/corpus/dataplane"
	"github.com/gatewright/gatewright/test/nginxroot"
)

// Options of a rig.
type Options struct {
	// ProxyCores and LoadCores are lists as taskset takes them.
	ProxyCores, LoadCores string
	// Proxies are the names of those that are wanted.
	Proxies []string
}

// Rig is a site that is served. It implements load.Field.
type Rig struct {
	Site    site.Site
	Proxies []*Proxy

	options     Options
	certificate site.Certificate
	plane       *dataplane.DataPlane
	tools       debian.Root
	// root is nginx's, and dir a directory that proxies have in it: dir is its
	// path on the host, inside the one in the root.
	root, dir, inside string
	processes         []*process
}

// process is one that the rig has started; exited is closed when it has ended.
type process struct {
	command *exec.Cmd
	exited  chan struct{}
	log     string
}

// New starts the backends and the proxies. Close the rig.
func New(ctx context.Context, s site.Site, o Options) (*Rig, error) {
	r := &Rig{Site: s, options: o}
	if err := r.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("set up %s: %w", s.Name, err), r.Close())
	}
	return r, nil
}

func (r *Rig) start(ctx context.Context) (err error) {
	if r.tools, err = debian.New(ctx); err != nil {
		return err
	}
	if r.root, err = nginxroot.Path(ctx); err != nil {
		return err
	}
	if r.dir, r.inside, err = nginxroot.TempDir(r.root); err != nil {
		return err
	}
	if r.certificate, err = site.NewCertificate(); err != nil {
		return err
	}
	if err := r.write("tls.pem", r.certificate.PEM()); err != nil {
		return err
	}
	if err := r.startPlane(ctx); err != nil {
		return err
	}
	if err := r.startBackends(ctx); err != nil {
		return err
	}
	for _, k := range kinds {
		if !r.wants(k.name) {
			continue
		}
		p, err := k.start(r, ctx)
		if err != nil {
			return fmt.Errorf("start %s: %w", k.name, err)
		}
		p.Name = k.name
		r.Proxies = append(r.Proxies, p)
	}
	return r.awaitAll(ctx)
}

func (r *Rig) write(name string, data []byte) error {
	if err := os.WriteFile(filepath.Join(r.dir, name), data, 0o644); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// Command returns the arguments that run a tool on the cores of the load.
func (r *Rig) Command(program string, args ...string) ([]string, error) {
	if program == "load" || program == "backend" {
		self, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("find this program: %w", err)
		}
		return append([]string{"taskset", "-c", r.options.LoadCores, self, program}, args...), nil
	}
	command, err := r.tools.Command(program, args...)
	return append([]string{"taskset", "-c", r.options.LoadCores}, command...), err
}

// Launch starts the command in the network of the proxies.
func (r *Rig) Launch(c *exec.Cmd) error { return r.plane.Launch(c) }

// TempFile returns the name of a file that goes with the rig.
func (r *Rig) TempFile(name string) string { return filepath.Join(r.dir, name) }

// run starts a process that lives as long as the rig, on the given cores.
func (r *Rig) run(name, cores string, args ...string) (*process, error) {
	p := &process{exited: make(chan struct{}), log: filepath.Join(r.dir, name+".log")}
	log, err := os.Create(p.log)
	if err != nil {
		return nil, fmt.Errorf("make the log of %s: %w", name, err)
	}
	defer log.Close()
	p.command = exec.Command("taskset", append([]string{"-c", cores}, args...)...)
	p.command.Stdout, p.command.Stderr = log, log
	if err := r.plane.Launch(p.command); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		defer close(p.exited)
		_ = p.command.Wait()
	}()
	r.processes = append(r.processes, p)
	return p, nil
}

// nginx runs the image's nginx with a configuration of the rig's directory.
func (r *Rig) nginx(name, cores string) (*process, error) {
	return r.run(name, cores, nginxroot.Command(context.Background(), r.root,
		"-c", r.inside+"/"+name+".conf", "-g", "daemon off;").Args...)
}

// patience is how long a process may take until it serves.
const patience = 2 * time.Minute

// awaitAll waits until every port is listened at, or a process has ended.
func (r *Rig) awaitAll(ctx context.Context) error {
	ports := []int{site.FilesPort, site.TLSPort, site.EchoPort, site.CallsPort}
	for _, p := range r.Proxies {
		ports = append(ports, p.HTTP, p.HTTPS)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, port := range ports {
		for {
			c, err := r.plane.Dial("127.0.0.1", port)
			if err == nil {
				_ = c.Close()
				break
			}
			if err := r.alive(); err != nil {
				return err
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("wait for port %d: %w", port, ctx.Err())
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	return nil
}

// alive is an error with the log of a process that has ended.
func (r *Rig) alive() error {
	for _, p := range r.processes {
		select {
		case <-p.exited:
			said, _ := os.ReadFile(p.log)
			return fmt.Errorf("%s ended:\n%s", filepath.Base(p.log), said)
		default:
		}
	}
	return nil
}

// Close ends everything.
func (r *Rig) Close() error {
	for _, p := range r.processes {
		_ = p.command.Process.Signal(syscall.SIGTERM)
		select {
		case <-p.exited:
		case <-time.After(5 * time.Second):
			_ = p.command.Process.Kill()
			<-p.exited
		}
	}
	var err error
	if r.plane != nil {
		err = r.plane.Close()
	}
	if r.dir != "" {
		err = errors.Join(err, os.RemoveAll(r.dir))
	}
	return err
}

// Load puts a plan into effect.
func (r *Rig) Load(ctx context.Context, p load.Plan) (load.Result, error) {
	result, err := load.Run(ctx, r, p)
	return result, errors.Join(err, r.alive())
}

// Verify asks a proxy once, and says whether the right backend answers.
func (r *Rig) Verify(ctx context.Context, p load.Plan, backend string) error {
	dial := func(port int) (net.Conn, error) { return r.plane.Dial("127.0.0.1", port) }
	return load.Verify(ctx, dial, p, backend)
}
