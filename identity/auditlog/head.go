package auditlog

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/note"
)

// Head is the end of the chain, as it was signed: a signed note (C2SP signed-note) of three lines, which are the name of the key with "/audit-trail", the
// number of links, and the hash of the last one in base64.
type Head struct {
	Sequence int64
	Hash     []byte
	Note     string
}

const (
	headSuffix = "/audit-trail"
	// HeadFile is the head's name in the folder of the transparency log.
	HeadFile = "audit-trail"
)

// ErrHeadLost says that the chain is not the one of a head that was signed before: the database was set back, or somebody wrote to it.
var ErrHeadLost = errors.New("the audit trail is not the one whose head was signed before")

// ReadHead reads a head and checks its signature.
func ReadHead(text string, key note.Verifier) (Head, error) {
	n, err := note.Open([]byte(text), note.VerifierList(key))
	if err != nil {
		return Head{}, fmt.Errorf("read the head of an audit trail: %w", err)
	}
	malformed := errors.New("read the head of an audit trail: it has not the three lines of one")
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 4 || lines[0] != key.Name()+headSuffix || lines[3] != "" {
		return Head{}, malformed
	}
	sequence, err := strconv.ParseInt(lines[1], 10, 64)
	hash, wrong := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || wrong != nil || sequence < 1 || strconv.FormatInt(sequence, 10) != lines[1] || len(hash) != 32 {
		return Head{}, malformed
	}
	return Head{Sequence: sequence, Hash: hash, Note: text}, nil
}

// Checker checks heads against a key, for Verify.
func Checker(key note.Verifier) func(Head) error {
	return func(h Head) error {
		signed, err := ReadHead(h.Note, key)
		if err == nil && (signed.Sequence != h.Sequence || string(signed.Hash) != string(h.Hash)) {
			err = errors.New("the note is of another head")
		}
		return err
	}
}

// readHeads reads what was signed.
func (c *chain) readHeads(ctx context.Context, q Querier, signed func(Head) error) error {
	rows, err := q.Query(ctx, `SELECT sequence, hash, note FROM audit.signed_heads ORDER BY sequence`)
	if err != nil {
		return fmt.Errorf("read the signed heads of the audit trail: %w", err)
	}
	heads, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Head])
	if err != nil {
		return fmt.Errorf("read the signed heads of the audit trail: %w", err)
	}
	for _, h := range heads {
		c.Signed++
		c.heads[h.Sequence] = h.Hash
		if signed == nil {
			continue
		}
		if err := signed(h); err != nil {
			c.found(Finding{Code: HeadForged, Sequence: h.Sequence, Message: fmt.Sprintf("the head that was signed at %d: %v", h.Sequence, err)})
		}
	}
	return nil
}

// Signatory signs the chain's end while it grows.
type Signatory struct {
	Signer   note.Signer
	Verifier note.Verifier // of the same key
	Dir      string        // outside the database, for the newest head; "" for none
	Every    time.Duration // at least between two heads; 0 is 10 s
}

// Sign signs the end of the chain when it has grown, and says whether it has. The newest head of the database and that of the folder have to be of this
// chain; else the error is ErrHeadLost, and nothing is signed until somebody has looked.
func (s *Signatory) Sign(ctx context.Context, l *Log) (bool, error) {
	var head Head
	if err := l.pool.QueryRow(ctx, `SELECT sequence, hash FROM audit.head`).Scan(&head.Sequence, &head.Hash); err != nil {
		return false, fmt.Errorf("read the head of the audit trail: %w", err)
	}
	var known Head
	err := l.pool.QueryRow(ctx, `SELECT sequence, hash, note FROM audit.signed_heads ORDER BY sequence DESC LIMIT 1`).Scan(&known.Sequence, &known.Hash, &known.Note)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return false, fmt.Errorf("read the newest signed head: %w", err)
	}
	outside, err := s.outside()
	if err != nil {
		return false, err
	}
	for _, before := range []Head{known, outside} {
		if err := l.continues(ctx, before); err != nil {
			return false, err
		}
	}
	if head.Sequence > known.Sequence {
		text := fmt.Sprintf("%s%s\n%d\n%s\n", s.Signer.Name(), headSuffix, head.Sequence, base64.StdEncoding.EncodeToString(head.Hash))
		signed, err := note.Sign(&note.Note{Text: text}, s.Signer)
		if err != nil {
			return false, fmt.Errorf("sign the head of the audit trail: %w", err)
		}
		head.Note = string(signed)
		if _, err := l.pool.Exec(ctx, `INSERT INTO audit.signed_heads (sequence, hash, note) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
			head.Sequence, head.Hash, head.Note); err != nil {
			return false, fmt.Errorf("keep the signed head of the audit trail: %w", err)
		}
		known = head
	}
	if known.Sequence <= outside.Sequence || s.Dir == "" {
		return known.Sequence == head.Sequence && head.Note != "", nil
	}
	return true, s.publish(known)
}

// continues says whether the chain goes on from a head that was signed before.
func (l *Log) continues(ctx context.Context, before Head) error {
	if before.Sequence == 0 {
		return nil
	}
	var is bool
	if err := l.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM audit.seals WHERE sequence = $1 AND hash = $2)`, before.Sequence, before.Hash).Scan(&is); err != nil {
		return fmt.Errorf("look for a link of the audit trail: %w", err)
	}
	if !is {
		return fmt.Errorf("%w: it was at link %d", ErrHeadLost, before.Sequence)
	}
	return nil
}

// outside is the head in the folder; the zero Head for none.
func (s *Signatory) outside() (Head, error) {
	if s.Dir == "" {
		return Head{}, nil
	}
	text, err := os.ReadFile(filepath.Join(s.Dir, HeadFile))
	if errors.Is(err, os.ErrNotExist) {
		return Head{}, nil
	}
	if err != nil {
		return Head{}, fmt.Errorf("read the head of the audit trail in its folder: %w", err)
	}
	return ReadHead(string(text), s.Verifier)
}

// publish puts a head into the folder, whole or not at all.
func (s *Signatory) publish(h Head) (err error) {
	file, err := os.CreateTemp(s.Dir, HeadFile+".*")
	if err != nil {
		return fmt.Errorf("write the head of the audit trail: %w", err)
	}
	_, err = file.WriteString(h.Note)
	if err = errors.Join(err, file.Chmod(headMode), file.Sync(), file.Close()); err == nil {
		err = os.Rename(file.Name(), filepath.Join(s.Dir, HeadFile))
	}
	if err != nil {
		return fmt.Errorf("write the head of the audit trail: %w", errors.Join(err, ignoreMissing(os.Remove(file.Name()))))
	}
	return nil
}

const headMode = 0o644 // a head is public

func ignoreMissing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
