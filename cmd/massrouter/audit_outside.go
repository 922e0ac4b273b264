package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/output"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/tilehttp"
)

// publicKey is the key that a flag gives: itself, or a file of it.
func publicKey(flag, given string) (note.Verifier, error) {
	if given == "" {
		return nil, usagef("--%s is needed: the log's public key NAME+HASH+DATA, or a file of it", flag)
	}
	key, err := audit.NewVerifier(given)
	if err == nil {
		return key, nil
	}
	raw, fileErr := readBounded(given)
	if fileErr != nil {
		return nil, usagef("--%s: %w, and no file", flag, err)
	}
	if key, err = audit.NewVerifier(strings.TrimSpace(string(raw))); err != nil {
		return nil, usagef("--%s: %s: %w", flag, given, err)
	}
	return key, nil
}

const maxAuditFile = 16 << 20

func readBounded(path string) (_ []byte, err error) {
	file, err := os.Open(path) //nolint:gosec // the person at the keyboard names it
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	raw, err := io.ReadAll(io.LimitReader(file, maxAuditFile+1))
	if err == nil && len(raw) > maxAuditFile {
		err = fmt.Errorf("%s has more than %d bytes", path, maxAuditFile)
	}
	return raw, err
}

// tilesAt is a log in a folder or at an address.
func tilesAt(where string) (audit.Tiles, error) {
	if where == "" {
		return nil, usagef("--log is needed: the folder or address of the log")
	}
	if strings.Contains(where, "://") {
		log, err := tilehttp.New(where)
		if err != nil {
			return nil, usageError{err}
		}
		return log, nil
	}
	return audit.Folder(where), nil
}

const verifyReceiptLong = `Verifies a receipt offline: the event has the leaf hash, the proof leads from it to the root of the checkpoint, and the
log's key has signed the checkpoint. Nothing but the file and the public key is needed.

It shows that the event stands in the log as it is. It does not show that nothing else was logged; and that others are
shown the same log is only known when a witness has cosigned the checkpoint, or a later one that is consistent with it.`

// receiptResult is a verified receipt with --json.
type receiptResult struct {
	OK         bool             `json:"ok"`
	Position   int64            `json:"position"`
	Stream     string           `json:"stream"`
	Type       string           `json:"type"`
	RecordedAt time.Time        `json:"recorded_at"`
	Body       string           `json:"body"`
	Checkpoint audit.Checkpoint `json:"checkpoint"`
	Root       string           `json:"root"`
}

func newAuditVerifyReceiptCommand(sh shell) *cobra.Command {
	key := ""
	c := &cobra.Command{
		Use: "verify-receipt FILE", Short: "Verify a receipt offline", Args: exactly(1), Long: verifyReceiptLong,
		Example: "  massrouter audit verify-receipt receipt.json --key ledger.example.com/production+1b2c3d4e+AQ…",
		RunE: func(c *cobra.Command, args []string) error {
			if _, err := settings(c, sh, config.RoleLocal); err != nil {
				return err
			}
			log, err := publicKey("key", key)
			if err != nil {
				return err
			}
			raw, err := readBounded(args[0])
			if err != nil {
				return fmt.Errorf("read the receipt: %w", err)
			}
			receipt, err := audit.ParseReceipt(raw)
			if err != nil {
				return err
			}
			e, at, err := audit.VerifyReceipt(receipt, log)
			if err != nil {
				return err
			}
			r := receiptResult{true, e.Position, string(e.StreamID), e.Type, e.RecordedAt, string(e.Body), at, at.RootText()}
			return printer(c).Value(r, func(w io.Writer) {
				output.Fields(w, "position", strconv.FormatInt(r.Position, 10), "stream", r.Stream, "type", r.Type, "recorded", output.Time(r.RecordedAt),
					"body", r.Body, "checkpoint", fmt.Sprintf("%s, %s", at.Origin, at))
				_, _ = fmt.Fprintln(w, "\nThe receipt verifies: the event stands in the log as it is here.") // w is a buffer
			})
		},
	}
	c.Flags().StringVar(&key, "key", "", "public key of the log, or a file of it")
	return c
}

const verifyTilesLong = `Reads every tile of a published transparency log, computes the tree from its leaf hashes anew, and compares it with the
signed checkpoint. It names each tile that is not what it has to be, and ends with exit code 1 when there is one.`

func newAuditVerifyTilesCommand(sh shell) *cobra.Command {
	key, where := "", ""
	c := &cobra.Command{
		Use: "verify-tiles", Short: "Verify all tiles of a published log", Args: exactly(0), Long: verifyTilesLong,
		Example: "  massrouter audit verify-tiles --log .data/log --key log.pub\n  massrouter audit verify-tiles --log https://ledger.example.com/log --key log.pub --json",
		RunE: func(c *cobra.Command, _ []string) error {
			if _, err := settings(c, sh, config.RoleLocal); err != nil {
				return err
			}
			log, err := tilesAt(where)
			if err != nil {
				return err
			}
			verifier, err := publicKey("key", key)
			if err != nil {
				return err
			}
			report, err := audit.VerifyTiles(c.Context(), log, verifier)
			if err != nil {
				return err
			}
			if err := printer(c).Value(report, func(w io.Writer) {
				output.Fields(w, "origin", report.Checkpoint.Origin, "events", strconv.FormatInt(report.Checkpoint.Size, 10), "root", report.Root,
					"tiles", strconv.FormatInt(report.Tiles, 10))
				for _, path := range report.Wrong {
					_, _ = fmt.Fprintf(w, "wrong: %s\n", path) // w is a buffer
				}
			}); err != nil {
				return err
			}
			if len(report.Wrong) > 0 {
				return fmt.Errorf("the log does not verify: %s is not what it has to be", report.Wrong[0])
			}
			return nil
		},
	}
	c.Flags().StringVar(&where, "log", "", "folder or address of the log")
	c.Flags().StringVar(&key, "key", "", "public key of the log, or a file of it")
	return c
}

const witnessLong = `Cosigns the newest checkpoint of a log (C2SP cosignature/v1) if the log proves that it continues the last one that this
witness cosigned, and refuses otherwise: then the operator has shown two histories, and the refused checkpoint is the
evidence. Run it regularly, on a machine that the log's operator does not control. The state file remembers the last
checkpoint; the first one is trusted as it is. The cosigned checkpoint is printed.`

// witnessOptions are what 'audit witness' can be told.
type witnessOptions struct{ state, key, log, logKey string }

// witnessResult is a cosigned checkpoint with --json.
type witnessResult struct {
	audit.Checkpoint

	Root       string `json:"root"`
	Before     int64  `json:"before"` // size of the checkpoint that was cosigned last; 0 the first time
	WitnessKey string `json:"witness_key"`
	Note       string `json:"note"`
}

func newAuditWitnessCommand(sh shell) *cobra.Command {
	var o witnessOptions
	c := &cobra.Command{
		Use: "witness", Short: "Cosign a log's checkpoint if it is consistent with the last one", Args: exactly(0), Long: witnessLong,
		Example: "  massrouter audit keygen witness.example.org/w1 --out witness.key\n" +
			"  massrouter audit witness --state witness.state --key witness.key --log https://ledger.example.com/log --log-key log.pub",
		RunE: func(c *cobra.Command, _ []string) error { return witness(c, sh, o) },
	}
	c.Flags().StringVar(&o.state, "state", "", "file of the last checkpoint; made by the first run")
	c.Flags().StringVar(&o.key, "key", "", "file of the witness's signing key, from 'audit keygen'")
	c.Flags().StringVar(&o.log, "log", "", "folder or address of the log")
	c.Flags().StringVar(&o.logKey, "log-key", "", "public key of the log, or a file of it")
	return c
}

func witness(c *cobra.Command, sh shell, o witnessOptions) error {
	if _, err := settings(c, sh, config.RoleLocal); err != nil {
		return err
	}
	if o.state == "" || o.key == "" {
		return usagef("--state and --key are needed")
	}
	log, err := tilesAt(o.log)
	if err != nil {
		return err
	}
	logKey, err := publicKey("log-key", o.logKey)
	if err != nil {
		return err
	}
	raw, err := readBounded(o.key)
	if err != nil {
		return fmt.Errorf("read the witness's key: %w", err)
	}
	key, err := audit.NewCosigner(strings.TrimSpace(string(raw)), time.Now)
	if err != nil {
		return err
	}
	cosigned, err := audit.Witness{Log: logKey, Key: key, State: o.state}.Cosign(c.Context(), log)
	if err != nil {
		return fmt.Errorf("nothing was cosigned: %w", err)
	}
	r := witnessResult{
		Checkpoint: cosigned.Checkpoint, Root: cosigned.Checkpoint.RootText(), WitnessKey: key.PublicKey(), Note: string(cosigned.Note),
	}
	if cosigned.Before != nil {
		r.Before = cosigned.Before.Size
	}
	return printer(c).Value(r, func(w io.Writer) { _, _ = fmt.Fprint(w, r.Note) }) // w is a buffer
}
