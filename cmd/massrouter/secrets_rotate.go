package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/keyfile"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/output"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/resealing"
	"github.com/massrouter/massrouter/gateway/seal/envelope"
)

const rotateLong = `Adds a key to the keyset's file, which seals from now on, and encrypts everything in the database again with it, in batches. Processes
that read the same file learn of the key within a second; those that have a copy of it need the new one first: then use --out, distribute, restart,
and go on with --resume.

What was cut off goes on with --resume, which draws no key. --dry-run changes nothing and says how much there is to do.

A keyset from the environment cannot be changed here: --out writes the next one to a file.

When all is done, 'massrouter secrets prune' removes the keys that nothing was sealed with. Values that no key opens are counted and left as they are.`

// rotation is how a rotation was asked for.
type rotation struct {
	resume, dryRun bool
	out            string
	deed           deed
}

func newSecretsRotateCommand(sh shell) *cobra.Command {
	r := rotation{deed: deed{action: "secrets.rotate"}}
	c := &cobra.Command{
		Use: "rotate", Short: "Encrypt everything again with a new key", Args: exactly(0),
		Long:    rotateLong + deedHelp,
		Example: "  massrouter secrets rotate --dry-run\n  massrouter secrets rotate\n  massrouter secrets rotate --resume\n  massrouter secrets rotate --out next.json",
		RunE: func(c *cobra.Command, _ []string) error {
			if r.out != "" && (r.resume || r.dryRun) {
				return usagef("--out only writes the next keyset: use it without --resume and --dry-run")
			}
			if r.out != "" {
				return r.writeNext(c, sh)
			}
			return r.run(c, sh)
		},
	}
	c.Flags().BoolVar(&r.resume, "resume", false, "draw no key; seal with the primary one what is not yet")
	c.Flags().BoolVar(&r.dryRun, "dry-run", false, "change nothing; count what would be sealed again")
	c.Flags().StringVar(&r.out, "out", "", "only write the next keyset to this new file")
	return r.deed.flags(c)
}

// writeNext writes the next keyset to a file of its own.
func (r rotation) writeNext(c *cobra.Command, sh shell) error {
	cfg, err := settings(c, sh, config.RoleLocal)
	if err != nil {
		return err
	}
	if !cfg.Secrets.SecretsKeyset.IsSet() {
		return errNoKeyset
	}
	next, err := envelope.Rotate([]byte(cfg.Secrets.SecretsKeyset.Reveal()))
	if err != nil {
		return err
	}
	err = keyfile.Create(r.out, next)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists: it is left as it is", r.out)
	}
	if err != nil {
		return err
	}
	return printer(c).Value(map[string]string{"file": r.out}, func(w io.Writer) {
		_, _ = fmt.Fprintf(w, "%s has the next keyset. Give it to all processes, restart them, then run 'massrouter secrets rotate --resume'.\n", r.out) // w is a buffer
	})
}

func (r rotation) run(c *cobra.Command, sh shell) error {
	v, err := openVault(c, sh)
	if err != nil {
		return err
	}
	defer v.pool.Close()
	if r.dryRun {
		_, err := r.reseal(c.Context(), c, v)
		return err
	}
	return r.deed.record(c.Context(), v.pool, keysetTarget, func(ctx context.Context) (any, error) { return r.reseal(ctx, c, v) })
}

// keysetTarget is what entries of the audit trail call the keyset; there is one.
const keysetTarget = "keyset:secrets"

// reseal adds the key and seals everything with it; it returns what an entry tells.
func (r rotation) reseal(ctx context.Context, c *cobra.Command, v *vault) (any, error) {
	if !r.resume {
		if err := v.addKey(r.dryRun); err != nil {
			return nil, err
		}
		if !r.dryRun {
			printer(c).Note("Key %d seals from now on.", v.keys.Keyset.Primary())
		}
	}
	o := resealing.Options{Keys: v.keys, DryRun: r.dryRun, OnBatch: func(table string, done, unreadable int64) {
		printer(c).Progress("%s: %d %s, %d unreadable", table, done, r.what(), unreadable)
	}}
	results, err := resealing.Run(ctx, v.pool, o)
	told := map[string]any{"primary": v.keys.Keyset.Primary(), "tables": results}
	if err != nil {
		return told, fmt.Errorf("%w; 'massrouter secrets rotate --resume' goes on", err)
	}
	return told, r.report(c, results)
}

// addKey draws the next primary key; in a dry run only for this process.
func (v *vault) addKey(dryRun bool) error {
	path := v.config.Secrets.Path()
	switch {
	case dryRun:
		next, err := envelope.Rotate([]byte(v.config.Secrets.SecretsKeyset.Reveal()))
		if err != nil {
			return err
		}
		v.config.Secrets = config.Secrets{SecretsKeyset: config.NewSecret(string(next))}
		return v.readKeys()
	case path == "":
		return usagef("the keyset comes from the environment, which cannot be changed here: use --out, and then --resume")
	}
	err := keyfile.Change(path, envelope.Rotate)
	if err != nil {
		return err
	}
	if v.config.Secrets, err = config.KeysetFile(path); err != nil {
		return err
	}
	return v.readKeys()
}

// what happens to values, or would happen.
func (r rotation) what() string {
	if r.dryRun {
		return "to be sealed again"
	}
	return "sealed again"
}

func (r rotation) report(c *cobra.Command, results []resealing.Result) error {
	unreadable := int64(0)
	err := printer(c).Value(results, func(w io.Writer) {
		rows := make([][]string, 0, len(results))
		for _, one := range results {
			rows = append(rows, []string{one.Table, fmt.Sprint(one.Resealed), fmt.Sprint(one.Unreadable)})
		}
		output.Table(w, []string{"TABLE", strings.ToUpper(r.what()), "UNREADABLE"}, rows)
		if r.dryRun {
			_, _ = fmt.Fprintln(w, "Nothing was changed.") // w is a buffer
		}
	})
	for _, one := range results {
		unreadable += one.Unreadable
		for _, row := range one.Rows {
			printer(c).Note("%s: no key opens the value of row %s", one.Table, row)
		}
	}
	if err == nil && unreadable > 0 {
		return fmt.Errorf("no key opens %d values: they are as they were", unreadable)
	}
	return err
}

func newSecretsPruneCommand(sh shell) *cobra.Command {
	d := deed{action: "secrets.prune"}
	return d.flags(&cobra.Command{
		Use: "prune", Short: "Remove keys that nothing is sealed with", Args: exactly(0),
		Long: "Removes from the keyset's file the keys with which no value of the database is sealed; the primary one stays. Copies of the database that are older " +
			"than the rotation need the removed keys: keep the old file as long as you keep them." + deedHelp,
		Example: "  massrouter secrets prune",
		RunE: func(c *cobra.Command, _ []string) error {
			v, err := openVault(c, sh)
			if err != nil {
				return err
			}
			defer v.pool.Close()
			path := v.config.Secrets.Path()
			if path == "" {
				return usagef("the keyset comes from the environment, which cannot be changed here")
			}
			if err := settled(path); err != nil {
				return err
			}
			s, err := v.status(c.Context())
			if err != nil {
				return err
			}
			ids := s.unused()
			if len(ids) > 0 {
				err = d.record(c.Context(), v.pool, keysetTarget, func(context.Context) (any, error) {
					return map[string]any{"removed": ids}, keyfile.Change(path, func(text []byte) ([]byte, error) { return envelope.Without(text, ids...) })
				})
			}
			if err != nil {
				return err
			}
			return printer(c).Value(map[string]any{"removed": append([]uint32{}, ids...)}, func(w io.Writer) {
				text := fmt.Sprintf("%d keys were removed.", len(ids))
				if len(ids) == 1 {
					text = "1 key was removed."
				}
				_, _ = fmt.Fprintln(w, text) // w is a buffer
			})
		},
	})
}

// settleTime is long enough for all processes that read the file to seal with its primary key.
const settleTime = time.Minute

// settled refuses a keyset that was changed just now: a process may still seal with the key before.
func settled(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("look at the keyset's file: %w", err)
	}
	if wait := settleTime - time.Since(info.ModTime()); wait > 0 {
		return fmt.Errorf("%s was changed just now, and running processes may still seal with a key before: try again in %s", path, wait.Round(time.Second))
	}
	return nil
}
