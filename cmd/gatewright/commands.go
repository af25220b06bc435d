package main

import (
	"context"
	"os/signal"
	"syscall"

	"github.com/gatewright/gatewright/cmd/commandline"
	"github.com/gatewright/gatewright/cmd/logging"
)

// commands are the subcommands, with the flags that they share.
type commands struct {
	Log logging.Flags

	Operator operatorCommand
	Webhook  webhookCommand
	Lint     lintCommand
	Render   renderCommand
}

// program is the command line that sets the commands' flags.
func (c *commands) program() commandline.Program {
	return commandline.Program{
		Name: "gatewright", Help: "A Gateway API implementation on nginx.",
		Flags: c.Log.Add,
		Commands: []commandline.Command{
			{
				Name: "operator", Help: "Run the control plane: nginx, addresses and statuses for all Gateways.",
				Flags: c.Operator.flags, Required: []string{"namespace", "nginx-image"},
				Run: func() error { return c.Operator.run(c.Log.Logger()) },
			},
			{
				Name: "webhook", Help: "Check and complete Gateways and routes as they are applied.",
				Flags: c.Webhook.flags, Required: []string{"cert-dir"},
				Run: func() error { return c.Webhook.run(c.Log.Logger()) },
			},
			{
				Name: "lint", Help: "Check manifests as admission would, without a cluster.", Details: lintDetails,
				Flags: c.Lint.flags, Exclusive: besides,
				Run: c.Lint.Run,
			},
			{
				Name: "render", Help: "Print the nginx configuration that follows from manifests, or explain which rule answers a request.",
				Details: renderDetails, Flags: c.Render.flags, Exclusive: besides,
				Run: c.Render.Run,
			},
		},
	}
}

// untilStopped ends at the first signal that asks the process to stop.
func untilStopped() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
}
