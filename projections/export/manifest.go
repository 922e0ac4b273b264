package export

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// Version is the version of the folder's layout and of the files in it.
const Version = "massrouter-export/1"

// The names of the files beside the parts.
const (
	ManifestName = "manifest.json"
	progressName = "progress.json"
)

// Manifest says what an export holds. It is stored as JSON indented by two spaces, with a line feed at the end.
type Manifest struct {
	Version string `json:"version"`
	Kind    Kind   `json:"kind"`
	Format  Format `json:"format"`
	Shard   int16  `json:"shard"`
	// Period is set when the range was given by times.
	Period *Period `json:"period,omitempty"`
	// FirstPosition and LastPosition are those of the range, without a gap; the last is one less when it is empty.
	FirstPosition   int64     `json:"first_position"`
	LastPosition    int64     `json:"last_position"`
	FirstRecordedAt time.Time `json:"first_recorded_at,omitzero"`
	LastRecordedAt  time.Time `json:"last_recorded_at,omitzero"`
	Events          int64     `json:"events"`
	Rows            int64     `json:"rows"` // of all files: events, or legs
	// Sums are those of the legs in the range by group of accounts; Totals those by currency, which are zero.
	Sums   []Sum  `json:"sums"`
	Totals []Sum  `json:"totals"`
	Tree   Tree   `json:"tree"`
	Files  []File `json:"files"`
	// Digest is the SHA-256, in hex, of the manifest with an empty digest.
	Digest string `json:"digest"`
}

// Period is a time range: from is in it, to is not.
type Period struct {
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
}

// Sum is a sum of money as a decimal string. Group is empty in a total.
type Sum struct {
	Group    string `json:"group,omitempty"`
	Currency string `json:"currency"`
	Amount   string `json:"amount"`
}

// Tree is the RFC 6962 Merkle tree over the leaf hashes of the range.
type Tree struct {
	// Of is "log" when the range begins at position 1, so that the root is that of the transparency log at this size;
	// else "range".
	Of   string `json:"of"`
	Size int64  `json:"size"`
	Root string `json:"root"` // in hex
}

// File is one part.
type File struct {
	Name          string `json:"name"`
	Bytes         int64  `json:"bytes"`
	Rows          int64  `json:"rows"`
	FirstPosition int64  `json:"first_position"`
	LastPosition  int64  `json:"last_position"`
	SHA256        string `json:"sha256"` // in hex
}

// encode is the stored form with its digest.
func (m *Manifest) encode() ([]byte, error) {
	m.Digest = ""
	unsigned, err := indented(m)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(unsigned)
	m.Digest = hex.EncodeToString(sum[:])
	return indented(m)
}

func indented(v any) ([]byte, error) {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return append(b, '\n'), nil
}

// decodeManifest reads a manifest that encode wrote, and nothing else.
func decodeManifest(b []byte) (*Manifest, error) {
	var m Manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, fmt.Errorf("read %s: %w", ManifestName, err)
	}
	again := m
	want, err := again.encode()
	if err != nil {
		return nil, err
	}
	if m.Version != Version || !bytes.Equal(want, b) {
		return nil, fmt.Errorf("read %s: it was changed, or is of another version than %s", ManifestName, Version)
	}
	return &m, nil
}
