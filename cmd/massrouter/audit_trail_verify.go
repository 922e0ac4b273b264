package main

import (
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/database"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/folder"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/output"
	"github.com/massrouter/massrouter/identity/auditlog"
)

const auditTrailVerifyLong = `Reads the whole audit trail in one snapshot and verifies, with code of its own, that no entry was changed, removed, inserted or put elsewhere: each link
of the chain is the hash of the one before it, its entry and its place. With the public key of the transparency log it verifies the signatures of the
heads that were signed, and with --head that the chain goes on from a head that you have kept. Without either, whoever can write to the database can
make a whole new chain.

'massrouter audit verify' does the same, but for signatures, and compares the trail with the ledger as well. It ends with exit code 1 when anything is wrong.`

type trailVerification struct {
	data, key, head string
	keep            int
}

func newAuditTrailVerifyCommand(sh shell) *cobra.Command {
	var o trailVerification
	c := &cobra.Command{
		Use: "verify", Short: "Find what was changed, removed, inserted or moved", Args: exactly(0), Long: auditTrailVerifyLong,
		Example: "  massrouter audit trail verify --data .massrouter\n" +
			"  massrouter audit trail verify --key ledger.example.com+1a2b3c4d+AQID… --head audit-trail.august",
		RunE: func(c *cobra.Command, _ []string) error { return verifyTrail(c, sh, o) },
	}
	flags := c.Flags()
	flags.StringVar(&o.data, "data", "", "data folder of a running 'massrouter dev'")
	flags.StringVar(&o.key, "key", "", "public key of the transparency log (default: that of the environment or the data folder)")
	flags.StringVar(&o.head, "head", "", "a file with a signed head that was kept elsewhere")
	flags.IntVar(&o.keep, "findings", 100, "print at most so many findings; all are counted")
	return c
}

// trailReport is what a verification says.
type trailReport struct {
	OK       bool               `json:"ok"`
	Trail    auditlog.Summary   `json:"trail"`
	Findings []auditlog.Finding `json:"findings"`
	Count    int                `json:"finding_count"`
}

func verifyTrail(c *cobra.Command, sh shell, o trailVerification) error {
	if o.keep < 1 || o.keep > 1_000_000 {
		return usagef("--findings is between 1 and 1000000")
	}
	cfg, err := databaseSettings(c, sh, o.data)
	if err != nil {
		return err
	}
	key, err := o.verifier(cfg)
	if err != nil {
		return err
	}
	const conns = 2
	pool, err := database.Open(c.Context(), cfg.Store.DatabaseURL.Reveal(), conns)
	if err != nil {
		return err
	}
	defer pool.Close()
	report, err := o.run(c, pool, key)
	if err != nil {
		return err
	}
	if err := printer(c).Value(report, func(w io.Writer) { writeTrailReport(w, report) }); err != nil {
		return err
	}
	if report.OK {
		return nil
	}
	return trailFailure(report.Count, report.Findings[0].Message)
}

// verifier is of the key that is known; nil for none.
func (o *trailVerification) verifier(cfg config.Config) (note.Verifier, error) {
	text := o.key
	if text == "" && o.data != "" {
		info, err := folder.ReadInfo(o.data)
		if err != nil {
			return nil, err
		}
		text = info.LogPublicKey
	}
	if text == "" {
		text = cfg.Proof.PublicKey()
	}
	if text == "" {
		if o.head != "" {
			return nil, usagef("--head goes with --key: a head is worth as much as its signature")
		}
		return nil, nil //nolint:nilnil // no key and no error: signatures are not verified
	}
	return audit.NewVerifier(text)
}

func (o *trailVerification) run(c *cobra.Command, pool *pgxpool.Pool, key note.Verifier) (*trailReport, error) {
	r := &trailReport{Findings: []auditlog.Finding{}}
	found := func(f auditlog.Finding) {
		if r.Count++; len(r.Findings) < o.keep {
			r.Findings = append(r.Findings, f)
		}
	}
	var signed func(auditlog.Head) error
	if key != nil {
		signed = auditlog.Checker(key)
	}
	err := pgx.BeginTxFunc(c.Context(), pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) (err error) {
		if r.Trail, err = auditlog.Verify(c.Context(), tx, signed, found); err != nil || o.head == "" {
			return err
		}
		text, err := os.ReadFile(o.head)
		if err != nil {
			return fmt.Errorf("read the head: %w", err)
		}
		head, err := auditlog.ReadHead(string(text), key)
		if err != nil {
			return err
		}
		var is bool
		if err := tx.QueryRow(c.Context(), `SELECT EXISTS (SELECT FROM audit.seals WHERE sequence = $1 AND hash = $2)`, head.Sequence, head.Hash).Scan(&is); err != nil {
			return fmt.Errorf("look for the head's link: %w", err)
		}
		if !is {
			found(auditlog.Finding{Code: auditlog.HeadForged, Sequence: head.Sequence, Message: fmt.Sprintf("the chain is not the one whose head was kept at %d", head.Sequence)})
		}
		return nil
	})
	r.OK = r.Count == 0
	return r, err
}

func writeTrailReport(w io.Writer, r *trailReport) {
	count := func(n int64) string { return strconv.FormatInt(n, 10) }
	output.Fields(w, "entries", count(r.Trail.Entries), "links", count(r.Trail.Links), "waiting", count(r.Trail.Waiting),
		"erased", count(r.Trail.Erased), "signed heads", count(r.Trail.Signed), "head", hex.EncodeToString(r.Trail.Hash))
	if r.OK {
		_, _ = fmt.Fprintln(w, "\nthe audit trail verifies") // w is a buffer
		return
	}
	rows := make([][]string, 0, len(r.Findings))
	for _, f := range r.Findings {
		rows = append(rows, []string{string(f.Code), f.Message})
	}
	_, _ = fmt.Fprintln(w) // as above
	output.Table(w, []string{"FINDING", "WHAT"}, rows)
}
