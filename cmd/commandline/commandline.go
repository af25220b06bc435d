package commandline

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"
)

// usageStatus is the exit status of a command line that cannot be read. It is
// none that a command has a meaning for.
const usageStatus = 80

// Program is what is run.
type Program struct {
	Name, Help string
	// Flags adds those of all commands, which are read before and behind a
	// command's name.
	Flags func(*pflag.FlagSet)
	// Commands are those of which one is to be named. A program without any has
	// no arguments but flags.
	Commands []Command
}

// Command is one of the things that a program does.
type Command struct {
	Name, Help string
	// Details are more of the help, of the command alone.
	Details string
	Flags   func(*pflag.FlagSet)
	// Required are the flags that must not be empty.
	Required []string
	// Exclusive are flags of which only one may be given.
	Exclusive []string
	Run       func() error
}

// Read reads the arguments of the process. It ends the process after help that was
// asked for, and after saying what is wrong with the arguments.
func (p Program) Read() Command {
	c, err := p.Parse(os.Args[1:])
	switch {
	case err == nil:
		return c
	case errors.Is(err, pflag.ErrHelp):
		p.usage(os.Stdout, c)
		os.Exit(0)
	}
	p.usage(os.Stderr, c)
	fmt.Fprintf(os.Stderr, "\n%s: error: %s\n", p.Name, err)
	os.Exit(usageStatus)
	return c
}

// Parse sets the flags by the arguments, and returns the command that they name.
// If it fails, with pflag.ErrHelp where help is asked for, the command is the one
// whose usage to show, or the zero value.
func (p Program) Parse(arguments []string) (Command, error) {
	own := p.flags(Command{})
	own.SetInterspersed(len(p.Commands) == 0)
	if err := own.Parse(arguments); err != nil {
		return Command{}, err
	}
	rest := own.Args()
	if len(p.Commands) == 0 {
		return Command{}, none(rest)
	}
	c, err := p.command(rest)
	if err != nil {
		return c, err
	}
	f := p.flags(c)
	if err := f.Parse(rest[1:]); err != nil {
		return c, err
	}
	return c, errors.Join(none(f.Args()), c.check(f))
}

func (p Program) flags(c Command) *pflag.FlagSet {
	f := pflag.NewFlagSet(p.Name, pflag.ContinueOnError)
	f.Usage = func() {}
	f.SetOutput(io.Discard)
	f.SortFlags = false
	if c.Flags != nil {
		c.Flags(f)
	}
	if p.Flags != nil {
		p.Flags(f)
	}
	return f
}

func (p Program) command(arguments []string) (Command, error) {
	names := make([]string, len(p.Commands))
	for i, c := range p.Commands {
		if len(arguments) > 0 && c.Name == arguments[0] {
			return c, nil
		}
		names[i] = fmt.Sprintf("%q", c.Name)
	}
	expected := "expected one of " + strings.Join(names, ", ")
	if len(arguments) > 0 {
		return Command{}, fmt.Errorf("unexpected argument %q: %s", arguments[0], expected)
	}
	return Command{}, errors.New(expected)
}

func none(arguments []string) error {
	if len(arguments) == 0 {
		return nil
	}
	return fmt.Errorf("unexpected argument %q", arguments[0])
}

func (c Command) check(f *pflag.FlagSet) error {
	for _, name := range c.Required {
		if f.Lookup(name).Value.String() == "" {
			return fmt.Errorf("missing flag --%s", name)
		}
	}
	given := ""
	for _, name := range c.Exclusive {
		switch {
		case !f.Changed(name):
		case given != "":
			return fmt.Errorf("--%s and --%s cannot be used together", given, name)
		default:
			given = name
		}
	}
	return nil
}

func (p Program) usage(w io.Writer, c Command) {
	flags := "\n\nFlags:\n" + p.flags(c).FlagUsagesWrapped(80)
	switch {
	case c.Name != "":
		fmt.Fprintf(w, "Usage: %s %s [flags]\n\n%s", p.Name, c.Name, c.Help)
		if c.Details != "" {
			fmt.Fprintf(w, "\n\n%s", c.Details)
		}
	case len(p.Commands) == 0:
		fmt.Fprintf(w, "Usage: %s [flags]\n\n%s", p.Name, p.Help)
	default:
		fmt.Fprintf(w, "Usage: %s <command> [flags]\n\n%s\n\nCommands:", p.Name, p.Help)
		for _, known := range p.Commands {
			fmt.Fprintf(w, "\n  %-10s %s", known.Name, known.Help)
		}
	}
	fmt.Fprint(w, flags)
}
