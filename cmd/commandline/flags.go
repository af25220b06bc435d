package commandline

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// Environment returns what the environment variable says, or else what stands
// for it.
func Environment(variable, otherwise string) string {
	if value := os.Getenv(variable); value != "" {
		return value
	}
	return otherwise
}

// Negatable adds the flag, and one whose name has "no-" before it and that turns
// it off. What the value is by then is the default.
func Negatable(f *pflag.FlagSet, value *bool, name, help string) {
	f.BoolVar(value, name, *value, help)
	f.VarPF((*negation)(value), "no-"+name, "", "Turn --"+name+" off.").NoOptDefVal = "true"
}

// negation is a flag that sets what it points at to the opposite.
type negation bool

// String implements pflag.Value.
func (n *negation) String() string { return strconv.FormatBool(!bool(*n)) }

// Set implements pflag.Value.
func (n *negation) Set(text string) error {
	value, err := strconv.ParseBool(text)
	*n = negation(!value)
	return err
}

// Type implements pflag.Value.
func (*negation) Type() string { return "bool" }

// Choice is a flag with one of some values.
type Choice[T ~string] struct {
	Value *T
	Of    []string
}

// String implements pflag.Value.
func (c Choice[T]) String() string {
	if c.Value == nil {
		return ""
	}
	return string(*c.Value)
}

// Set implements pflag.Value.
func (c Choice[T]) Set(text string) error {
	if !slices.Contains(c.Of, text) {
		return fmt.Errorf("must be one of %s", strings.Join(c.Of, ", "))
	}
	*c.Value = T(text)
	return nil
}

// Type implements pflag.Value.
func (c Choice[T]) Type() string { return strings.Join(c.Of, "|") }
