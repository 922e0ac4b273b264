package audit

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"time"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
)

// ReceiptFormat is the name of the receipts that are written and understood here.
const ReceiptFormat = "massrouter.receipt.v1"

// Receipt shows to anybody with the log's public key, without asking anyone, that an event stands in the log at its
// position, exactly as it is written here. It does not show that the log has nothing else to say of the same call or
// wallet, nor that others are shown the same log: for that the checkpoint is compared with a witness's.
type Receipt struct {
	Format     string       `json:"format"`
	Event      ReceiptEvent `json:"event"`
	LeafIndex  int64        `json:"leaf_index"` // position - 1
	LeafHash   string       `json:"leaf_hash"`  // base64
	Proof      []string     `json:"proof"`      // inclusion proof, from the leaf's sibling upwards; base64
	Checkpoint string       `json:"checkpoint"` // the signed note
}

// ReceiptEvent is the audited columns of an event, of which the leaf hash is (see eventstore.Leaf), with its salt.
type ReceiptEvent struct {
	Shard         int16  `json:"shard"`
	Position      int64  `json:"position"`
	StreamID      string `json:"stream_id"`
	StreamVersion int64  `json:"stream_version"`
	EventID       string `json:"event_id"`
	Type          string `json:"type"`
	SchemaVersion int16  `json:"schema_version"`
	RecordedAt    string `json:"recorded_at"` // UTC with six decimals, 2006-01-02T15:04:05.000000Z
	EffectiveAt   string `json:"effective_at"`
	Actor         string `json:"actor"`
	CorrelationID string `json:"correlation_id"`
	CausationID   string `json:"causation_id"`
	CommandID     string `json:"command_id"`
	Salt          string `json:"salt"` // 32 hexadecimal digits
	Body          string `json:"body"` // the stored bytes as one text, not as an object: each byte counts
}

const receiptTime = "2006-01-02T15:04:05.000000Z"

// NewReceipt writes a receipt down; it verifies nothing.
func NewReceipt(e *eventstore.Event, proof [][32]byte, checkpoint []byte) Receipt {
	stamp := func(t time.Time) string { return t.UTC().Truncate(time.Microsecond).Format(receiptTime) }
	r := Receipt{
		Format: ReceiptFormat, LeafIndex: e.Position - 1, LeafHash: base64.StdEncoding.EncodeToString(e.LeafHash[:]),
		Proof: make([]string, len(proof)), Checkpoint: string(checkpoint),
		Event: ReceiptEvent{
			Shard: e.Shard, Position: e.Position, StreamID: string(e.StreamID), StreamVersion: e.StreamVersion,
			EventID: e.EventID.String(), Type: e.Type, SchemaVersion: e.SchemaVersion, RecordedAt: stamp(e.RecordedAt),
			EffectiveAt: stamp(e.EffectiveAt), Actor: e.Actor, CorrelationID: e.CorrelationID.String(),
			CausationID: e.CausationID.String(), CommandID: e.CommandID.String(), Salt: hex.EncodeToString(e.Salt[:]), Body: string(e.Body),
		},
	}
	for i, h := range proof {
		r.Proof[i] = base64.StdEncoding.EncodeToString(h[:])
	}
	return r
}

// Part is the part of a receipt that is wrong.
type Part string

// The parts.
const (
	PartFormat     Part = "format"
	PartEvent      Part = "event"
	PartLeafIndex  Part = "leaf_index"
	PartLeafHash   Part = "leaf_hash"
	PartProof      Part = "proof"
	PartCheckpoint Part = "checkpoint"
)

// ReceiptError says which part of a receipt does not verify.
type ReceiptError struct {
	Part Part
	Err  error
}

// Error names the part.
func (e *ReceiptError) Error() string {
	return fmt.Sprintf("the receipt does not verify: %s: %v", e.Part, e.Err)
}

// Unwrap is the cause.
func (e *ReceiptError) Unwrap() error { return e.Err }

func wrong(part Part, format string, args ...any) error {
	return &ReceiptError{Part: part, Err: fmt.Errorf(format, args...)}
}

const maxReceipt = 16 << 20

// ParseReceipt reads a receipt's JSON. Unknown, missing, repeated and misspelt names are refused, so that there is no byte
// but white space of which the meaning is not verified. The error is a *ReceiptError.
func ParseReceipt(raw []byte) (Receipt, error) {
	var r Receipt
	if len(raw) > maxReceipt {
		return r, wrong(PartFormat, "it has more than %d bytes", maxReceipt)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		return r, wrong(PartFormat, "it is no receipt: %w", err)
	}
	canonical, err := json.Marshal(r)
	if err != nil {
		return r, wrong(PartFormat, "encode it again: %w", err)
	}
	if !sameTokens(raw, canonical) {
		return r, wrong(PartFormat, "names are repeated, missing, in another order, or values are written in another way")
	}
	return r, nil
}

// sameTokens compares two JSON texts but for white space and the way characters are escaped.
func sameTokens(a, b []byte) bool {
	x, y := json.NewDecoder(bytes.NewReader(a)), json.NewDecoder(bytes.NewReader(b))
	x.UseNumber()
	y.UseNumber()
	for {
		one, err1 := x.Token()
		two, err2 := y.Token()
		if errors.Is(err1, io.EOF) && errors.Is(err2, io.EOF) {
			return true
		}
		if err1 != nil || err2 != nil || !reflect.DeepEqual(one, two) {
			return false
		}
	}
}

// VerifyReceipt verifies a receipt offline against the log's public key, and returns the event that it is for and the
// checkpoint that vouches for it. The error is a *ReceiptError.
func VerifyReceipt(r Receipt, log note.Verifier) (*eventstore.Event, Checkpoint, error) {
	none := Checkpoint{}
	if r.Format != ReceiptFormat {
		return nil, none, wrong(PartFormat, "%q is not %q", r.Format, ReceiptFormat)
	}
	c, err := OpenCheckpoint([]byte(r.Checkpoint), log)
	if err != nil {
		return nil, none, &ReceiptError{PartCheckpoint, err}
	}
	e, err := r.Event.decode()
	if err != nil {
		return nil, none, &ReceiptError{PartEvent, err}
	}
	if r.LeafIndex != e.Position-1 || r.LeafIndex < 0 {
		return nil, none, wrong(PartLeafIndex, "the event at position %d is not leaf %d", e.Position, r.LeafIndex)
	}
	if r.LeafIndex >= c.Size {
		return nil, none, wrong(PartLeafIndex, "the checkpoint's tree of %d leaves has no leaf %d", c.Size, r.LeafIndex)
	}
	if e.LeafHash, err = decodeHash(r.LeafHash); err != nil {
		return nil, none, &ReceiptError{PartLeafHash, err}
	}
	proof := make(tlog.RecordProof, len(r.Proof))
	for i, text := range r.Proof {
		if proof[i], err = decodeHash(text); err != nil {
			return nil, none, wrong(PartProof, "hash %d: %w", i, err)
		}
	}
	included := tlog.CheckRecord(proof, c.Size, c.Root, r.LeafIndex, e.LeafHash) == nil
	own := LeafHash(e)
	switch {
	case own == e.LeafHash && included:
		return e, c, nil
	case included:
		return nil, none, wrong(PartEvent, "its leaf hash is %x, not %x: a column, the salt or the body was changed", own[:6], e.LeafHash[:6])
	case own != e.LeafHash && tlog.CheckRecord(proof, c.Size, c.Root, r.LeafIndex, own) == nil:
		return nil, none, wrong(PartLeafHash, "it is not the hash of the event")
	}
	return nil, none, wrong(PartProof, "it does not lead from leaf %d to the root of the checkpoint", r.LeafIndex)
}

func decodeHash(text string) (hash [32]byte, err error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(raw) != len(hash) || base64.StdEncoding.EncodeToString(raw) != text {
		return hash, errors.New("it is no hash of 32 bytes in base64")
	}
	return [32]byte(raw), nil
}

// decode reads the columns; each has one way to be written.
func (e *ReceiptEvent) decode() (*eventstore.Event, error) {
	row := &eventstore.Event{
		Shard: e.Shard, Position: e.Position, StreamID: domain.StreamID(e.StreamID), StreamVersion: e.StreamVersion, Type: e.Type,
		SchemaVersion: e.SchemaVersion, Actor: e.Actor, Body: []byte(e.Body),
	}
	for _, id := range []struct {
		name, text string
		to         *uuid.UUID
	}{
		{"event_id", e.EventID, &row.EventID},
		{"correlation_id", e.CorrelationID, &row.CorrelationID},
		{"causation_id", e.CausationID, &row.CausationID},
		{"command_id", e.CommandID, &row.CommandID},
	} {
		parsed, err := uuid.Parse(id.text)
		if err != nil || parsed.String() != id.text {
			return nil, fmt.Errorf("%s is no UUID in lower case", id.name)
		}
		*id.to = parsed
	}
	for _, at := range []struct {
		name, text string
		to         *time.Time
	}{{"recorded_at", e.RecordedAt, &row.RecordedAt}, {"effective_at", e.EffectiveAt, &row.EffectiveAt}} {
		parsed, err := time.Parse(receiptTime, at.text)
		if err != nil || parsed.Format(receiptTime) != at.text {
			return nil, fmt.Errorf("%s is no time in UTC with six decimals", at.name)
		}
		*at.to = parsed.UTC()
	}
	salt, err := hex.DecodeString(e.Salt)
	if err != nil || len(salt) != len(row.Salt) || hex.EncodeToString(salt) != e.Salt {
		return nil, errors.New("salt is not 32 hexadecimal digits in lower case")
	}
	copy(row.Salt[:], salt)
	return row, nil
}
