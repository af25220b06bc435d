package logging

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/pflag"

	"github.com/gatewright/gatewright/cmd/commandline"
)

// Flags are what the commands have in common about their logs.
type Flags struct {
	Level  slog.Level
	Format string
}

// Defaults are the flags as the environment has them.
func Defaults() (Flags, error) {
	f := Flags{Format: "json"}
	if err := f.format().Set(commandline.Environment("GATEWRIGHT_LOG_FORMAT", f.Format)); err != nil {
		return f, fmt.Errorf("read GATEWRIGHT_LOG_FORMAT: %w", err)
	}
	if err := f.Level.UnmarshalText([]byte(commandline.Environment("GATEWRIGHT_LOG_LEVEL", "info"))); err != nil {
		return f, fmt.Errorf("read GATEWRIGHT_LOG_LEVEL: %w", err)
	}
	return f, nil
}

// Add adds the flags to a command's. What they are by then is the default.
func (f *Flags) Add(to *pflag.FlagSet) {
	to.TextVar(&f.Level, "log-level", f.Level, "Least severe `level` to log: debug, info, warn, error ($GATEWRIGHT_LOG_LEVEL).")
	to.Var(f.format(), "log-format", "Form of the log ($GATEWRIGHT_LOG_FORMAT).")
}

func (f *Flags) format() commandline.Choice[string] {
	return commandline.Choice[string]{Value: &f.Format, Of: []string{"json", "text"}}
}

// Logger writes to standard error: nginx's own access log has the other one.
func (f Flags) Logger() *slog.Logger {
	options := &slog.HandlerOptions{Level: f.Level}
	if f.Format == "text" {
		return slog.New(slog.NewTextHandler(os.Stderr, options))
	}
	return slog.New(slog.NewJSONHandler(os.Stderr, options))
}
