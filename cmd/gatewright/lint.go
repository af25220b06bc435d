package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/pflag"

	"github.com/gatewright/gatewright/cmd/commandline"
	"github.com/gatewright/gatewright/lint"
	"github.com/gatewright/gatewright/manifest"
	"github.com/gatewright/gatewright/premise"
)

// inputFlags say which manifests are meant, and what there is beside them.
type inputFlags struct {
	Files     []string
	Namespace string
	// Class are GatewayClasses that are Gatewright's.
	Class []string
	// Complete and Live are two ways to say what there is beside the manifests.
	Complete bool
	Live     bool
	Context  string
}

var besides = []string{"complete", "live"}

func (f *inputFlags) flags(to *pflag.FlagSet) {
	to.StringArrayVarP(&f.Files, "filename", "f", nil, "Manifests: a `FILE`, a directory with all below it, or - for standard input; may be repeated.")
	to.StringVarP(&f.Namespace, "namespace", "n", "default", "`Namespace` of objects that name none.")
	to.StringSliceVar(&f.Class, "class", []string{"gatewright"}, "GatewayClasses that are Gatewright's, unless the manifests have them.")
	to.BoolVar(&f.Complete, "complete", false, "The manifests are all there is: what they refer to and do not have is missing.")
	to.BoolVar(&f.Live, "live", false, "Judge the manifests as if they were applied to the cluster of the kubeconfig.")
	to.StringVar(&f.Context, "context", "", "`NAME` of the kubeconfig's context, for --live.")
}

// errNoManifests is what a command says that has nothing to look at.
var errNoManifests = errors.New("name manifests with -f: a file, a directory, or - for standard input")

// read returns the manifests, and what they are to be judged by.
func (f *inputFlags) read() (manifest.Manifests, premise.Options, error) {
	m := manifest.Read(f.Files, os.Stdin, manifest.Options{Namespace: f.Namespace})
	o := premise.Options{Classes: f.Class, Complete: f.Complete}
	if f.Live {
		s, err := f.cluster()
		if err != nil {
			return m, o, fmt.Errorf("reading the cluster: %w", err)
		}
		o.Cluster = &s
	}
	return m, o, nil
}

type lintCommand struct {
	inputFlags

	Output lint.Form
	Strict bool
}

const lintDetails = "Says of manifests what admission and status will say of them.\n\n" +
	"Exit status: 0 if all can be applied (perhaps with warnings), 1 if something is denied, 2 if something cannot be read."

func (c *lintCommand) flags(f *pflag.FlagSet) {
	c.inputFlags.flags(f)
	c.Output = lint.Text
	forms := []string{string(lint.Text), string(lint.JSON), string(lint.SARIF), string(lint.GitHub)}
	f.VarP(commandline.Choice[lint.Form]{Value: &c.Output, Of: forms}, "output", "o", "Form of the report.")
	f.BoolVar(&c.Strict, "strict", false, "Exit 1 for warnings, too.")
}

// Run writes the report to standard output.
func (c *lintCommand) Run() error { return c.run(os.Stdout) }

func (c *lintCommand) run(out io.Writer) error {
	if len(c.Files) == 0 {
		return failure{2, errNoManifests}
	}
	m, o, err := c.read()
	if err != nil {
		return failure{2, err}
	}
	report := lint.Of(m, o)
	if err := report.Write(out, c.Output); err != nil {
		return err
	}
	switch {
	case report.Summary.Unreadable > 0:
		return failure{code: 2}
	case report.Summary.Denied > 0, c.Strict && report.Summary.Warnings > 0:
		return failure{code: 1}
	}
	return nil
}

// failure ends the process with a code; without an error, all has been said.
type failure struct {
	code int
	err  error
}

// Error implements error.
func (f failure) Error() string {
	if f.err == nil {
		return fmt.Sprintf("exit status %d", f.code)
	}
	return f.err.Error()
}

// Unwrap returns what happened.
func (f failure) Unwrap() error { return f.err }
