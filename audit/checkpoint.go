package audit

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// Checkpoint is the size and root of a transparency log, in the format of C2SP tlog-checkpoint.
type Checkpoint struct {
	Origin string   `json:"origin"` // the log's name, which is also that of its key
	Size   int64    `json:"size"`   // leaves; leaf i is the event at position i+1
	Root   [32]byte `json:"-"`      // RFC 6962 Merkle root of the leaf hashes
}

// Text is the note's text: origin, size and root, one a line.
func (c Checkpoint) Text() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, c.RootText())
}

// RootText is the root in base64, as it stands in the note.
func (c Checkpoint) RootText() string { return base64.StdEncoding.EncodeToString(c.Root[:]) }

// String names size and root.
func (c Checkpoint) String() string { return fmt.Sprintf("size %d, root %s", c.Size, c.RootText()) }

var errCheckpoint = errors.New("it is no checkpoint: origin, size and root, one a line")

// ParseCheckpoint reads a note's text. Lines after the third are extensions, which are signed but mean nothing here.
func ParseCheckpoint(text string) (Checkpoint, error) {
	const fields = 3
	lines := strings.Split(text, "\n")
	if len(lines) <= fields || lines[len(lines)-1] != "" {
		return Checkpoint{}, errCheckpoint
	}
	for _, line := range lines[:len(lines)-1] {
		if line == "" {
			return Checkpoint{}, errCheckpoint
		}
	}
	c := Checkpoint{Origin: lines[0]}
	var err error
	if c.Size, err = strconv.ParseInt(lines[1], 10, 64); err != nil || c.Size < 0 || strconv.FormatInt(c.Size, 10) != lines[1] {
		return Checkpoint{}, fmt.Errorf("%w: the size is no whole number", errCheckpoint)
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != len(c.Root) || base64.StdEncoding.EncodeToString(root) != lines[2] {
		return Checkpoint{}, fmt.Errorf("%w: the root is no hash in base64", errCheckpoint)
	}
	copy(c.Root[:], root)
	return c, nil
}

// maxCheckpoint bounds what is read: a note with many cosignatures is still far below.
const maxCheckpoint = 1 << 20

// OpenCheckpoint verifies a signed checkpoint (C2SP signed-note) and reads it. The log's key must have signed it, and bear
// the name of its origin; further signatures stay unread. A note that is not written in the one canonical way is refused,
// so that no byte of it can change unnoticed.
func OpenCheckpoint(signed []byte, log note.Verifier) (Checkpoint, error) {
	c, _, err := openNote(signed, log)
	return c, err
}

func openNote(signed []byte, keys ...note.Verifier) (Checkpoint, *note.Note, error) {
	if len(signed) > maxCheckpoint {
		return Checkpoint{}, nil, fmt.Errorf("the checkpoint has more than %d bytes", maxCheckpoint)
	}
	n, err := note.Open(signed, note.VerifierList(keys...))
	if err != nil {
		return Checkpoint{}, nil, fmt.Errorf("verify the checkpoint's signature by %s: %w", keys[0].Name(), err)
	}
	byLog := false
	for _, s := range n.Sigs {
		byLog = byLog || s.Name == keys[0].Name() && s.Hash == keys[0].KeyHash()
	}
	if !byLog {
		return Checkpoint{}, nil, fmt.Errorf("the checkpoint is not signed by %s", keys[0].Name())
	}
	for _, s := range append(append([]note.Signature(nil), n.Sigs...), n.UnverifiedSigs...) {
		raw, err := base64.StdEncoding.DecodeString(s.Base64)
		if err != nil || base64.StdEncoding.EncodeToString(raw) != s.Base64 {
			return Checkpoint{}, nil, fmt.Errorf("the checkpoint's signature by %s is not canonical base64", s.Name)
		}
	}
	c, err := ParseCheckpoint(n.Text)
	if err != nil {
		return Checkpoint{}, nil, err
	}
	if c.Origin != keys[0].Name() {
		return Checkpoint{}, nil, fmt.Errorf("the checkpoint is of the log %q, the key of %q", c.Origin, keys[0].Name())
	}
	return c, n, nil
}
