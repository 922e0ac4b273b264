package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/database"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/folder"
	"github.com/massrouter/massrouter/eventstore/postgres"
	"github.com/massrouter/massrouter/eventstore/translog"
	"github.com/massrouter/massrouter/projections/generations"
)

// proofs is the transparency log of a database, as a tool uses it.
type proofs struct {
	cfg    config.Proof
	pool   *pgxpool.Pool
	store  *postgres.Store
	reader *translog.Reader
	key    note.Verifier
}

// openProofs opens the log that the environment or a data folder names.
func openProofs(c *cobra.Command, sh shell, data string) (*proofs, error) {
	cfg, err := databaseSettings(c, sh, data)
	if err != nil {
		return nil, err
	}
	if data != "" {
		info, err := folder.ReadInfo(data)
		if err != nil {
			return nil, err
		}
		cfg.Proof.LogKey, cfg.Proof.LogPublicKey, cfg.Proof.LogDir = config.Secret{}, info.LogPublicKey, info.LogDir
	}
	if cfg.Proof.PublicKey() == "" {
		return nil, usagef("the transparency log's key is needed: MASSROUTER_LOG_KEY, or MASSROUTER_LOG_PUBLIC_KEY to read only")
	}
	key, err := audit.NewVerifier(cfg.Proof.PublicKey())
	if err != nil {
		return nil, err
	}
	const conns = 4
	pool, err := database.Open(c.Context(), cfg.Store.DatabaseURL.Reveal(), conns)
	if err != nil {
		return nil, err
	}
	store, err := postgres.Open(c.Context(), pool, postgres.Options{})
	if err != nil {
		pool.Close()
		return nil, err
	}
	return &proofs{cfg: cfg.Proof, pool: pool, store: store, reader: translog.NewReader(pool, 0, key.Name()), key: key}, nil
}

func (p *proofs) close() {
	p.store.Close()
	p.pool.Close()
}

// covering is a checkpoint that covers a position: made here when the signing key is known, else waited for.
func (p *proofs) covering(ctx context.Context, position int64) (translog.Signed, error) {
	ctx, cancel := context.WithTimeout(ctx, checkpointPatience)
	defer cancel()
	if !p.cfg.LogKey.IsSet() {
		signed, err := p.reader.Await(ctx, position, p.cfg.LogDir, p.key)
		if errors.Is(err, context.DeadlineExceeded) {
			return signed, fmt.Errorf("%w: is 'massrouter work' running with MASSROUTER_LOG_KEY?", err)
		}
		return signed, err
	}
	signer, _, verifier, err := translog.ParseKey(p.cfg.LogKey.Reveal())
	if err != nil {
		return translog.Signed{}, err
	}
	log, err := translog.New(p.pool, p.store, translog.Options{Signer: signer, Verifier: verifier, Dir: p.cfg.LogDir})
	if err != nil {
		return translog.Signed{}, err
	}
	before, err := p.reader.Newest(ctx)
	if err != nil {
		return translog.Signed{}, err
	}
	signed, err := log.Checkpoint(ctx)
	if err != nil || before != nil && before.Size == signed.Size {
		return signed, err
	}
	d := deed{action: "audit.checkpoint"}
	if ctx, err = d.context(ctx); err != nil {
		return signed, err
	}
	return signed, d.ended(ctx, p.pool, "log:"+signed.Origin, map[string]any{"size": signed.Size, "root": signed.RootText()}, nil)
}

const checkpointPatience = 10 * time.Second

const keygenLong = `Makes an Ed25519 key pair for a transparency log or a witness. The signing key goes into a new file that only its owner
can read; the public key is printed. The origin is a name that nobody else uses, like a URL without its scheme. It stands
in every checkpoint and cannot be changed later.`

func newAuditKeygenCommand(_ shell) *cobra.Command {
	out := ""
	c := &cobra.Command{
		Use: "keygen ORIGIN", Short: "Make the key of a transparency log or a witness", Args: exactly(1), Long: keygenLong,
		Example: "  massrouter audit keygen ledger.example.com/production --out log.key",
		RunE: func(c *cobra.Command, args []string) (err error) {
			if out == "" {
				return usagef("--out is needed: the signing key is never printed")
			}
			private, public, err := translog.GenerateKey(args[0])
			if err != nil {
				return usageError{err}
			}
			file, err := os.OpenFile(out, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
			if err != nil {
				return fmt.Errorf("make the key's file: %w", err)
			}
			_, err = file.WriteString(private + "\n")
			if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
				return fmt.Errorf("write the key's file: %w", err)
			}
			return printer(c).Value(map[string]string{"public_key": public, "file": out}, func(w io.Writer) { _, _ = fmt.Fprintln(w, public) }) // w is a buffer
		},
	}
	c.Flags().StringVar(&out, "out", "", "file for the signing key; it must not exist")
	return c
}

// checkpointResult is a checkpoint with --json.
type checkpointResult struct {
	audit.Checkpoint

	Root     string    `json:"root"`
	SignedAt time.Time `json:"signed_at,omitzero"`
	Note     string    `json:"note"`
}

func printCheckpoint(c *cobra.Command, s translog.Signed) error {
	r := checkpointResult{Checkpoint: s.Checkpoint, Root: s.RootText(), SignedAt: s.SignedAt, Note: string(s.Note)}
	return printer(c).Value(r, func(w io.Writer) { _, _ = fmt.Fprint(w, r.Note) }) // w is a buffer
}

const auditCheckpointLong = `Prints a signed checkpoint of the transparency log that covers everything that is in the ledger now. With MASSROUTER_LOG_KEY
it is made when there is none yet, and published in MASSROUTER_LOG_DIR; without it, the command waits for the one that a
running 'massrouter work' makes, and, when MASSROUTER_LOG_DIR is set, until it is published there. One that is made here is recorded in the audit trail.`

func newAuditCheckpointCommand(sh shell) *cobra.Command {
	data := ""
	c := &cobra.Command{
		Use: "checkpoint", Short: "Make and print a signed checkpoint of the ledger", Args: exactly(0), Long: auditCheckpointLong,
		Example: "  massrouter audit checkpoint --data .data\n  MASSROUTER_LOG_KEY_FILE=log.key DATABASE_URL=postgres://… massrouter audit checkpoint --json",
		RunE: func(c *cobra.Command, _ []string) error {
			p, err := openProofs(c, sh, data)
			if err != nil {
				return err
			}
			defer p.close()
			head, err := p.store.Head(c.Context())
			if err != nil {
				return err
			}
			signed, err := p.covering(c.Context(), max(head.Position, 1))
			if err != nil {
				return err
			}
			return printCheckpoint(c, signed)
		},
	}
	c.Flags().StringVar(&data, "data", "", "data folder of a running 'massrouter dev'")
	return c
}

const auditProveLong = `Prints a receipt: an event with its salt, its inclusion proof, and the signed checkpoint that it leads to. Anybody who has
the log's public key verifies it offline with 'massrouter audit verify-receipt'. The event is named by its position, or by
the id of a generation, which stands for its charge.

A receipt shows that the event stands in the log as it is. It does not show that nothing else was logged.`

func newAuditProveCommand(sh shell) *cobra.Command {
	data := ""
	c := &cobra.Command{
		Use: "prove POSITION|GENERATION", Short: "Print the receipt of an event or a charge", Args: exactly(1), Long: auditProveLong,
		Example: "  massrouter audit prove 17 --data .data > receipt.json\n  massrouter audit prove gen-018f0000-0000-7000-8000-000000000000 --data .data",
		RunE:    func(c *cobra.Command, args []string) error { return prove(c, sh, data, args[0]) },
	}
	c.Flags().StringVar(&data, "data", "", "data folder of a running 'massrouter dev'")
	return c
}

func prove(c *cobra.Command, sh shell, data, what string) error {
	position, err := strconv.ParseInt(what, 10, 64)
	isPosition := err == nil
	if !isPosition {
		if _, err := parseID("generation", strings.TrimPrefix(what, generationPrefix)); err != nil {
			return usagef("%q is neither a position nor the id of a generation", what)
		}
	}
	p, err := openProofs(c, sh, data)
	if err != nil {
		return err
	}
	defer p.close()
	if !isPosition {
		if position, err = p.charge(c.Context(), strings.TrimPrefix(what, generationPrefix)); err != nil {
			return err
		}
	}
	head, err := p.store.Head(c.Context())
	if err != nil {
		return err
	}
	if newest, err := p.reader.Newest(c.Context()); err != nil {
		return err
	} else if (newest == nil || newest.Size < position) && position <= head.Position { // beyond it, Prove says so
		if _, err := p.covering(c.Context(), position); err != nil {
			return err
		}
	}
	receipt, err := translog.NewProver(p.reader, p.store).Prove(c.Context(), position)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(c.OutOrStdout())
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(receipt)
}

const generationPrefix = "gen-"

// charge is the position of a generation's charge.
func (p *proofs) charge(ctx context.Context, id string) (int64, error) {
	generation, err := parseID("generation", id)
	if err != nil {
		return 0, err
	}
	found, err := generations.NewQuery(p.pool).Generation(ctx, generation, nil, 0)
	if err != nil {
		return 0, err
	}
	if found.ChargePosition == 0 {
		return 0, fmt.Errorf("the generation %s has no charge: it is %s; prove its hold by the position %d", id, found.State, found.HoldPosition)
	}
	return found.ChargePosition, nil
}
