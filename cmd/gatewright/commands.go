package main

import (
	"context"
	"os/signal"
	"syscall"

	"github.com/gatewright/gatewright/cmd/logging"
)

// commands are the subcommands, with the flags that they share.
type commands struct {
	Log logging.Flags `embed:"" prefix:"log-"`

	Operator operatorCommand `cmd:"" help:"Run the control plane: nginx, addresses and statuses for all Gateways."`
	Webhook  webhookCommand  `cmd:"" help:"Check and complete Gateways and routes as they are applied."`

	Lint   lintCommand   `cmd:"" help:"Check manifests as admission would, without a cluster."`
	Render renderCommand `cmd:"" help:"Print the nginx configuration that follows from manifests, or explain which rule answers a request."`
}

// untilStopped ends at the first signal that asks the process to stop.
func untilStopped() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
}
