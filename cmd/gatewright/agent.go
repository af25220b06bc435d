package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/gatewright/gatewright/agent"
)

type agentCommand struct {
	RunDir      string `help:"Writable directory for nginx's configuration and certificates." placeholder:"DIR"`
	StoredDir   string `help:"Directory with the last good bundle." placeholder:"DIR"`
	IdentityDir string `help:"Directory with tls.crt, tls.key and ca.crt." placeholder:"DIR"`
}

// Run leaves signals to the agent: the first drains nginx, the second stops it.
func (c agentCommand) Run(log *slog.Logger) error {
	err := agent.Run(context.Background(), agent.Options{
		RunDir: c.RunDir, StoredDir: c.StoredDir, IdentityDir: c.IdentityDir, Logger: log,
	})
	if err != nil {
		return fmt.Errorf("run the agent: %w", err)
	}
	return nil
}
