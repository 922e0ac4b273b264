package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/output"
	"github.com/massrouter/massrouter/domain"
)

// The exit codes.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

// version is set by the linker, which can set nothing but a package variable.
var version = "unknown"

// shell is what a command may touch of the process.
type shell struct {
	in      io.Reader
	out     io.Writer
	err     io.Writer
	environ []string
}

// usageError is a mistake in how the command was called.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// run executes one command line and returns the exit code.
func run(ctx context.Context, args []string, sh shell) int {
	root := newRootCommand(sh) //nolint:contextcheck // a command gets its context from cobra when it runs
	root.SetArgs(args)
	called, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	var usage usageError
	isUsage := errors.As(err, &usage)
	_, _ = fmt.Fprintln(sh.err, "massrouter:", explain(err)) // nobody is left to tell
	if isUsage {
		_, _ = fmt.Fprintf(sh.err, "Run '%s --help' for usage.\n", called.CommandPath())
		return exitUsage
	}
	return exitFailure
}

// explain is an error as a person reads it: a domain error by its message, code and details.
func explain(err error) string {
	var coded *domain.Error
	if !errors.As(err, &coded) || coded.Cause != nil {
		return err.Error()
	}
	text := fmt.Sprintf("%s (%s)", coded.Message, coded.Code)
	for _, name := range slices.Sorted(maps.Keys(coded.Details)) {
		text += fmt.Sprintf("\n  %s: %s", name, coded.Details[name])
	}
	return text
}

const rootLong = `MassRouter sells calls of any language model through one API: customers top up a prepaid wallet, call any model
with an API key, and are charged exactly. Every top-up, charge, key and price is an event in a ledger.

Try it on this machine, nothing else needed but PostgreSQL's programs:

  massrouter dev

Run it for real: 'massrouter migrate up', then any number of 'massrouter serve' and 'massrouter work'. Settings are
environment variables; 'massrouter docs config' prints their table.

Exit codes: 0 done, 1 failed, 2 called wrongly.`

func newRootCommand(sh shell) *cobra.Command {
	root := group("massrouter", "One API for every language model, with an exact ledger", rootLong)
	root.SilenceErrors, root.SilenceUsage = true, true
	root.Version = version
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetIn(sh.in)
	root.SetOut(sh.out)
	root.SetErr(sh.err)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.PersistentFlags().Bool("json", false, "print results as JSON")
	root.AddGroup(&cobra.Group{ID: groupRun, Title: "Running:"}, &cobra.Group{ID: groupOperate, Title: "Operating a running service:"},
		&cobra.Group{ID: groupLedger, Title: "Database and ledger:"}, &cobra.Group{ID: groupTools, Title: "Tools:"})
	add(root, groupRun, newDevCommand(sh), newServeCommand(sh), newWorkCommand(sh))
	add(root, groupOperate, newWalletCommand(sh), newChargesCommand(sh), newKeyCommand(sh), newAppCommand(sh), newPresetCommand(sh), newContentCommand(sh), newVendorKeyCommand(sh), newWebhookCommand(sh), newVendorCommand(sh), newModelCommand(sh), newPriceCommand(sh), newCatalogCommand(sh), newPeopleCommand(sh))
	add(root, groupLedger, newMigrateCommand(sh), newSecretsCommand(sh), newTokensCommand(sh), newMailCommand(sh), newEventsCommand(sh), newProjectionsCommand(sh), newAuditCommand(sh), newExportCommand(sh), newRelayCommand(sh))
	add(root, groupTools, newSimCommand(sh), newBenchCommand(sh), newDocsCommand(sh))
	return root
}

// The groups of the help text.
const (
	groupRun     = "run"
	groupOperate = "operate"
	groupLedger  = "ledger"
	groupTools   = "tools"
)

func add(root *cobra.Command, group string, commands ...*cobra.Command) {
	for _, c := range commands {
		c.GroupID = group
		root.AddCommand(c)
	}
}

// group is a command that only has subcommands.
func group(use, short, long string, subcommands ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use: use, Short: short, Long: long, Args: exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := c.Help(); err != nil {
				return err
			}
			return usageError{errors.New("a subcommand is needed")}
		},
	}
	c.AddCommand(subcommands...)
	return c
}

// exactly wants n arguments; anything else is a usage error.
func exactly(n int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) > 0 && n == 0 && c.HasSubCommands():
			return usagef("unknown command %q for %q", args[0], c.CommandPath())
		case len(args) != n:
			return usagef("%q takes %d arguments, %d given", c.CommandPath(), n, len(args))
		}
		return nil
	}
}

// printer honours --json.
func printer(c *cobra.Command) *output.Printer {
	asJSON, err := c.Flags().GetBool("json")
	return &output.Printer{Out: c.OutOrStdout(), Err: c.ErrOrStderr(), JSON: err == nil && asJSON}
}

// settings loads the configuration for a role. Names that look misspelt are pointed out.
func settings(c *cobra.Command, sh shell, role config.Role) (config.Config, error) {
	cfg, unknown, err := config.Load(sh.environ, role)
	if err != nil {
		return cfg, err
	}
	for _, name := range unknown {
		printer(c).Note("massrouter: %s is no setting of this program", name)
	}
	return cfg, nil
}
