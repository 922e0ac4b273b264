package bundle

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

const (
	manifestName = "manifest.json"
	version      = "massrouter-export/1"
	maxManifest  = 64 << 20 // bytes: some hundred thousand files
)

// manifest is what massrouter export writes; see docs/audit.md.
type manifest struct {
	Version         string    `json:"version"`
	Kind            string    `json:"kind"`
	Format          string    `json:"format"`
	Shard           int16     `json:"shard"`
	Period          *period   `json:"period,omitempty"`
	FirstPosition   int64     `json:"first_position"`
	LastPosition    int64     `json:"last_position"`
	FirstRecordedAt time.Time `json:"first_recorded_at,omitzero"`
	LastRecordedAt  time.Time `json:"last_recorded_at,omitzero"`
	Events          int64     `json:"events"`
	Rows            int64     `json:"rows"`
	Sums            []sum     `json:"sums"`
	Totals          []sum     `json:"totals"`
	Tree            struct {
		Of   string `json:"of"`
		Size int64  `json:"size"`
		Root string `json:"root"`
	} `json:"tree"`
	Files  []listed `json:"files"`
	Digest string   `json:"digest"`
}

type period struct {
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
}

type sum struct {
	Group    string `json:"group,omitempty"`
	Currency string `json:"currency"`
	Amount   string `json:"amount"`
}

// listed is a file as the manifest states it.
type listed struct {
	Name          string `json:"name"`
	Bytes         int64  `json:"bytes"`
	Rows          int64  `json:"rows"`
	FirstPosition int64  `json:"first_position"`
	LastPosition  int64  `json:"last_position"`
	SHA256        string `json:"sha256"`
}

func readManifest(root *os.Root) (_ *manifest, err error) {
	f, _, err := open(root, manifestName)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	b, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxManifest {
		return nil, fmt.Errorf("it has more than %d bytes", maxManifest)
	}
	return decodeManifest(b)
}

// decodeManifest reads a manifest whose every byte is as it was written: the digest in it is of all the rest.
func decodeManifest(b []byte) (*manifest, error) {
	var m manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, err
	}
	if m.Version != version {
		return nil, fmt.Errorf("it is of the version %q; this program reads %q", m.Version, version)
	}
	stated := m.Digest
	m.Digest = ""
	undigested, err := m.encode()
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(undigested)
	m.Digest = hex.EncodeToString(digest[:])
	again, err := m.encode()
	if err != nil {
		return nil, err
	}
	if m.Digest != stated || !bytes.Equal(again, b) {
		return nil, errors.New("it was changed: its digest is not that of its content")
	}
	return &m, m.check()
}

func (m *manifest) encode() ([]byte, error) {
	b, err := json.MarshalIndent(m, "", "  ")
	return append(b, '\n'), err
}

// check refuses what no export can be.
func (m *manifest) check() error {
	if m.Kind != "events" {
		return fmt.Errorf("it is an export of %q: only an export of events holds what can be verified", m.Kind)
	}
	if _, known := formats()[m.Format]; !known {
		return fmt.Errorf("the format %q is not known", m.Format)
	}
	count := m.LastPosition - m.FirstPosition + 1
	if m.FirstPosition < 1 || count < 0 || m.Events != count || m.Rows != count || m.Tree.Size != count {
		return fmt.Errorf("%d events, %d rows and a tree of %d for the positions %d to %d", m.Events, m.Rows, m.Tree.Size, m.FirstPosition, m.LastPosition)
	}
	if (m.Tree.Of == "log") != (m.FirstPosition == 1) {
		return fmt.Errorf("the tree is said to be of the %s", m.Tree.Of)
	}
	next := m.FirstPosition
	for _, f := range m.Files {
		if f.Name != fmt.Sprintf("events-%012d.%s", f.FirstPosition, m.Format) {
			return fmt.Errorf("a file is named %q", f.Name)
		}
		if f.FirstPosition != next || f.LastPosition < next || f.Rows != f.LastPosition-next+1 {
			return fmt.Errorf("%s has the positions %d to %d in %d rows, the next is %d", f.Name, f.FirstPosition, f.LastPosition, f.Rows, next)
		}
		next = f.LastPosition + 1
	}
	if next != m.LastPosition+1 {
		return fmt.Errorf("the files end before position %d", next)
	}
	for _, total := range m.Totals {
		if total.Amount != "0" {
			return fmt.Errorf("the legs sum to %s %s instead of zero", total.Amount, total.Currency)
		}
	}
	return nil
}
