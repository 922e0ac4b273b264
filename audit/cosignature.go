package audit

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// algCosignature is the signature type of C2SP signed-note for a timestamped Ed25519 cosignature.
const algCosignature = 0x04

const (
	privatePrefix  = "PRIVATE+KEY+"
	timestampBytes = 8
)

// Cosigner signs checkpoints as a witness: cosignature/v1 of C2SP tlog-cosignature. It is a note.Signer.
type Cosigner struct {
	name string
	hash uint32
	key  ed25519.PrivateKey
	now  func() time.Time
}

// NewCosigner makes one from an encoded Ed25519 signing key (PRIVATE+KEY+name+hash+data), as a log's own key is written.
// Errors never contain the key.
func NewCosigner(encoded string, now func() time.Time) (*Cosigner, error) {
	signer, err := note.NewSigner(encoded)
	if err != nil {
		return nil, errors.New("the witness's key is no Ed25519 signing key of the form PRIVATE+KEY+NAME+HASH+DATA")
	}
	_, text, _ := strings.Cut(strings.TrimPrefix(encoded, privatePrefix+signer.Name()+"+"), "+") // the data may have a plus too
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(raw) != 1+ed25519.SeedSize {
		return nil, errors.New("the witness's key has no Ed25519 seed")
	}
	key := ed25519.NewKeyFromSeed(raw[1:])
	public, _ := key.Public().(ed25519.PublicKey)
	return &Cosigner{name: signer.Name(), hash: cosignatureKeyHash(signer.Name(), public), key: key, now: now}, nil
}

// Name implements note.Signer.
func (c *Cosigner) Name() string { return c.name }

// KeyHash implements note.Signer.
func (c *Cosigner) KeyHash() uint32 { return c.hash }

// Sign implements note.Signer: the time in eight bytes, then the signature of time and text.
func (c *Cosigner) Sign(text []byte) ([]byte, error) {
	at := uint64(c.now().Unix()) //nolint:gosec // after 1970
	out := binary.BigEndian.AppendUint64(nil, at)
	return append(out, ed25519.Sign(c.key, cosigned(at, text))...), nil
}

// PublicKey is the key by which others verify the cosignatures: NAME+HASH+DATA.
func (c *Cosigner) PublicKey() string {
	public, _ := c.key.Public().(ed25519.PublicKey)
	return fmt.Sprintf("%s+%08x+%s", c.name, c.hash, base64.StdEncoding.EncodeToString(append([]byte{algCosignature}, public...)))
}

// Verifier verifies this witness's cosignatures.
func (c *Cosigner) Verifier() note.Verifier {
	public, _ := c.key.Public().(ed25519.PublicKey)
	return cosignatureVerifier{c.name, c.hash, public}
}

func cosigned(at uint64, text []byte) []byte {
	return append([]byte("cosignature/v1\ntime "+strconv.FormatUint(at, 10)+"\n"), text...)
}

func cosignatureKeyHash(name string, public ed25519.PublicKey) uint32 {
	h := sha256.New()
	_, _ = h.Write(append([]byte(name+"\n"), algCosignature)) // a hash takes everything, here and below
	_, _ = h.Write(public)
	return binary.BigEndian.Uint32(h.Sum(nil))
}

type cosignatureVerifier struct {
	name   string
	hash   uint32
	public ed25519.PublicKey
}

// Name implements note.Verifier.
func (v cosignatureVerifier) Name() string { return v.name }

// KeyHash implements note.Verifier.
func (v cosignatureVerifier) KeyHash() uint32 { return v.hash }

// Verify implements note.Verifier.
func (v cosignatureVerifier) Verify(text, sig []byte) bool {
	if len(sig) != timestampBytes+ed25519.SignatureSize {
		return false
	}
	return ed25519.Verify(v.public, cosigned(binary.BigEndian.Uint64(sig), text), sig[timestampBytes:])
}

// NewVerifier reads a public key NAME+HASH+DATA: of a log (Ed25519) or of a witness (cosignature/v1).
func NewVerifier(encoded string) (note.Verifier, error) {
	const parts = 3
	if p := strings.SplitN(encoded, "+", parts); len(p) == parts {
		raw, err := base64.StdEncoding.DecodeString(p[2])
		if err == nil && len(raw) == 1+ed25519.PublicKeySize && raw[0] == algCosignature {
			public := ed25519.PublicKey(raw[1:])
			hash := cosignatureKeyHash(p[0], public)
			if p[0] == "" || hex.EncodeToString(binary.BigEndian.AppendUint32(nil, hash)) != p[1] {
				return nil, errors.New("the public key's hash is not that of its name and data")
			}
			return cosignatureVerifier{p[0], hash, public}, nil
		}
	}
	v, err := note.NewVerifier(encoded)
	if err != nil {
		return nil, errors.New("it is no public key of the form NAME+HASH+DATA")
	}
	return v, nil
}
