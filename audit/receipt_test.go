package audit_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"reflect"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/eventstore"
)

const origin = "massrouter.test/ledger"

type keyPair struct {
	private  string
	signer   note.Signer
	verifier note.Verifier
}

func newKey(t *testing.T, name string) keyPair {
	t.Helper()
	private, public, err := note.GenerateKey(rand.Reader, name)
	require.NoError(t, err)
	signer, err := note.NewSigner(private)
	require.NoError(t, err)
	verifier, err := audit.NewVerifier(public)
	require.NoError(t, err)
	return keyPair{private, signer, verifier}
}

// memoryLog is a log of tiles made by golang.org/x/mod alone, for any of its sizes.
type memoryLog struct {
	hashes []tlog.Hash
	leaves [][32]byte
	signed []byte
}

func (m *memoryLog) reader() tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			out[i] = m.hashes[x]
		}
		return out, nil
	})
}

func (m *memoryLog) add(t *testing.T, leaves ...[32]byte) {
	t.Helper()
	for _, leaf := range leaves {
		more, err := tlog.StoredHashesForRecordHash(int64(len(m.leaves)), leaf, m.reader())
		require.NoError(t, err)
		m.hashes, m.leaves = append(m.hashes, more...), append(m.leaves, leaf)
	}
}

// sign makes the checkpoint of a size.
func (m *memoryLog) sign(t *testing.T, key keyPair, size int64) audit.Checkpoint {
	t.Helper()
	root, err := tlog.TreeHash(size, m.reader())
	require.NoError(t, err)
	c := audit.Checkpoint{Origin: key.verifier.Name(), Size: size, Root: root}
	m.signed, err = note.Sign(&note.Note{Text: c.Text()}, key.signer)
	require.NoError(t, err)
	return c
}

func (m *memoryLog) receipt(t *testing.T, e *eventstore.Event, size int64) audit.Receipt {
	t.Helper()
	proof, err := tlog.ProveRecord(size, e.Position-1, m.reader())
	require.NoError(t, err)
	hashes := make([][32]byte, len(proof))
	for i, h := range proof {
		hashes[i] = h
	}
	return audit.NewReceipt(e, hashes, m.signed)
}

// logOf is a ledger's story as a log, with a key.
func logOf(t *testing.T) (*memoryLog, []eventstore.Event, keyPair) {
	t.Helper()
	events, _ := tell(t)
	key, m := newKey(t, origin), &memoryLog{}
	for i := range events {
		m.add(t, events[i].LeafHash)
	}
	m.sign(t, key, int64(len(events)))
	return m, events, key
}

func TestReceiptOfEveryEventVerifies(t *testing.T) {
	t.Parallel()
	m, events, key := logOf(t)
	for i := range events {
		raw, err := json.Marshal(m.receipt(t, &events[i], int64(len(events))))
		require.NoError(t, err)
		r, err := audit.ParseReceipt(raw)
		require.NoError(t, err)
		e, c, err := audit.VerifyReceipt(r, key.verifier)
		require.NoError(t, err)
		require.Equal(t, events[i], *e)
		require.EqualValues(t, len(events), c.Size)
	}
}

// TestReceiptWithAChangedField changes each field of a receipt, found by reflection, and expects to be told the part.
func TestReceiptWithAChangedField(t *testing.T) {
	t.Parallel()
	m, events, key := logOf(t)
	good := m.receipt(t, &events[9], int64(len(events)))
	expect := func(name string, part audit.Part, change func(*audit.Receipt)) {
		r := good
		r.Proof = append([]string(nil), good.Proof...)
		change(&r)
		_, _, err := audit.VerifyReceipt(r, key.verifier)
		var wrong *audit.ReceiptError
		require.ErrorAs(t, err, &wrong, name)
		require.Equal(t, part, wrong.Part, "%s: %v", name, err)
	}
	kind := reflect.TypeFor[audit.ReceiptEvent]()
	for i := range kind.NumField() {
		part := audit.PartEvent
		if kind.Field(i).Name == "Position" {
			part = audit.PartLeafIndex
		}
		expect(kind.Field(i).Name, part, func(r *audit.Receipt) { nudge(t, reflect.ValueOf(&r.Event).Elem().Field(i)) })
	}
	parts := map[string]audit.Part{
		"Format": audit.PartFormat, "LeafIndex": audit.PartLeafIndex, "LeafHash": audit.PartLeafHash, "Checkpoint": audit.PartCheckpoint,
	}
	kind = reflect.TypeFor[audit.Receipt]()
	for i := range kind.NumField() {
		name := kind.Field(i).Name
		if name == "Event" || name == "Proof" {
			continue
		}
		require.Contains(t, parts, name)
		expect(name, parts[name], func(r *audit.Receipt) { nudge(t, reflect.ValueOf(r).Elem().Field(i)) })
	}
	require.NotEmpty(t, good.Proof)
	for i := range good.Proof {
		expect("proof", audit.PartProof, func(r *audit.Receipt) { nudge(t, reflect.ValueOf(&r.Proof[i]).Elem()) })
		expect("short proof", audit.PartProof, func(r *audit.Receipt) { r.Proof = r.Proof[:i] })
	}
	expect("long proof", audit.PartProof, func(r *audit.Receipt) { r.Proof = append(r.Proof, r.Proof[0]) })
	expect("other log's key", audit.PartCheckpoint, func(r *audit.Receipt) {
		m := *m
		m.sign(t, newKey(t, origin), int64(len(events)))
		r.Checkpoint = string(m.signed)
	})
}

// nudge changes the first byte of a text or adds one to a number.
func nudge(t *testing.T, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.String:
		raw := []byte(v.String())
		if raw[0] ^= 1; raw[0] == '\x00' {
			raw[0] = 'x'
		}
		v.SetString(string(raw))
	case reflect.Int16, reflect.Int64:
		v.SetInt(v.Int() + 1)
	default:
		t.Fatalf("a field of kind %s: say here how to change it", v.Kind())
	}
}

// TestReceiptWithAChangedByte: no byte of the file can change without the receipt being refused or meaning the same.
func TestReceiptWithAChangedByte(t *testing.T) {
	t.Parallel()
	m, events, key := logOf(t)
	raw, err := json.MarshalIndent(m.receipt(t, &events[20], int64(len(events))), "", "  ")
	require.NoError(t, err)
	original, err := audit.ParseReceipt(raw)
	require.NoError(t, err)
	for i := range raw {
		for _, flip := range []byte{0x01, 0x20, 0x80} {
			changed := bytes.Clone(raw)
			changed[i] ^= flip
			r, err := audit.ParseReceipt(changed)
			if err == nil {
				_, _, err = audit.VerifyReceipt(r, key.verifier)
			}
			if err == nil { // one white space for another, or an escape written in another case
				require.True(t, unicode.IsSpace(rune(raw[i])) || raw[i] == changed[i]^0x20, "byte %d: %q became %q", i, raw[i], changed[i])
				require.Equal(t, original, r)
			}
		}
	}
}

func TestReceiptJSONIsStrict(t *testing.T) {
	t.Parallel()
	m, events, _ := logOf(t)
	raw, err := json.Marshal(m.receipt(t, &events[0], int64(len(events))))
	require.NoError(t, err)
	for name, change := range map[string][2]string{
		"another name":    {`"salt"`, `"Salt"`},
		"unknown name":    {`{"format"`, `{"note":1,"format"`},
		"repeated name":   {`"leaf_index"`, `"leaf_index":7,"leaf_index"`},
		"number as float": {`"leaf_index":0`, `"leaf_index":0.0`},
		"null":            {`"leaf_index":0`, `"leaf_index":null`},
		"no proof":        {`"proof"`, `"proof":null,"x"`},
	} {
		changed := bytes.Replace(raw, []byte(change[0]), []byte(change[1]), 1)
		require.NotEqual(t, raw, changed, name)
		_, err := audit.ParseReceipt(changed)
		require.Error(t, err, name)
	}
	_, err = audit.ParseReceipt(append(bytes.Clone(raw), "{}"...))
	require.Error(t, err)
}

func FuzzParseReceipt(f *testing.F) {
	f.Add([]byte(`{"format":"massrouter.receipt.v1","event":{},"leaf_index":0,"leaf_hash":"","proof":[],"checkpoint":"a\n1\nb\n"}`))
	f.Add([]byte(`{}`))
	_, public, err := note.GenerateKey(rand.Reader, origin)
	require.NoError(f, err)
	verifier, err := audit.NewVerifier(public)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := audit.ParseReceipt(raw)
		if err != nil {
			return
		}
		_, _, err = audit.VerifyReceipt(r, verifier)
		require.Error(t, err, "nobody has signed anything")
		again, err := json.Marshal(r)
		require.NoError(t, err)
		same, err := audit.ParseReceipt(again)
		require.NoError(t, err)
		require.Equal(t, r, same)
	})
}
