package logging

import (
	"log/slog"
	"os"
)

// Flags are what the commands have in common about their logs.
type Flags struct {
	Level  slog.Level `default:"info" help:"Least severe level to log: debug, info, warn, error." env:"GATEWRIGHT_LOG_LEVEL"`
	Format string     `default:"json" enum:"json,text" help:"Form of the log: json, text." env:"GATEWRIGHT_LOG_FORMAT"`
}

// Logger writes to standard error: nginx's own access log has the other one.
func (f Flags) Logger() *slog.Logger {
	options := &slog.HandlerOptions{Level: f.Level}
	if f.Format == "text" {
		return slog.New(slog.NewTextHandler(os.Stderr, options))
	}
	return slog.New(slog.NewJSONHandler(os.Stderr, options))
}
