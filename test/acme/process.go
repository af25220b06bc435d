package acme

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gatewright/gatewright/test/cluster"
	"github.com/gatewright/gatewright/test/homelab"
)

// run starts a program on the LAN host, and waits until it listens at address.
// It writes to name.log among the cluster's logs.
func (a *Authority) run(ctx context.Context, name, address string, argv ...string) error {
	log, err := os.Create(a.logFile(name))
	if err != nil {
		return fmt.Errorf("open the log of %s: %w", name, err)
	}
	defer log.Close()
	// It is to live as long as the authority does.
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	command := a.lab.Cluster.Command(life, cluster.LANHost, argv...)
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		end()
		return fmt.Errorf("start %s: %w", name, err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = command.Wait()
	}()
	a.ends = append(a.ends, func() { end(); <-ended })

	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	go func() {
		select {
		case <-ended:
			cancel()
		case <-ctx.Done():
		}
	}()
	if err := homelab.Eventually(ctx, func(ctx context.Context) error { return a.reach(ctx, address) }); err != nil {
		said, _ := os.ReadFile(a.logFile(name))
		return errors.Join(fmt.Errorf("wait for %s: %w", name, err), fmt.Errorf("it said:\n%s", said))
	}
	return nil
}

func (a *Authority) reach(ctx context.Context, address string) error {
	conn, err := a.lab.Cluster.Network(cluster.LANHost).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return conn.Close()
}

func (a *Authority) logFile(name string) string {
	return filepath.Join(a.lab.Cluster.LogDir(), name+".log")
}
