package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
)

// commands are the subcommands, with the flags that they share.
type commands struct {
	Log logFlags `embed:"" prefix:"log-"`

	Operator operatorCommand `cmd:"" help:"Run the control plane: nginx, addresses and statuses for all Gateways."`
	Webhook  webhookCommand  `cmd:"" help:"Check and complete Gateways and routes as they are applied."`
	Agent    agentCommand    `cmd:"" help:"Supervise the nginx of one Gateway, in its pod."`

	Lint   lintCommand   `cmd:"" help:"Check manifests as admission would, without a cluster."`
	Render renderCommand `cmd:"" help:"Print the nginx configuration that follows from manifests, or explain which rule answers a request."`
}

type logFlags struct {
	Level  slog.Level `default:"info" help:"Least severe level to log: debug, info, warn, error." env:"GATEWRIGHT_LOG_LEVEL"`
	Format string     `default:"json" enum:"json,text" help:"Form of the log: json, text." env:"GATEWRIGHT_LOG_FORMAT"`
}

// logger writes to standard error: nginx's own access log has the other one.
func (f logFlags) logger() *slog.Logger {
	options := &slog.HandlerOptions{Level: f.Level}
	if f.Format == "text" {
		return slog.New(slog.NewTextHandler(os.Stderr, options))
	}
	return slog.New(slog.NewJSONHandler(os.Stderr, options))
}

// untilStopped ends at the first signal that asks the process to stop.
func untilStopped() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
}
