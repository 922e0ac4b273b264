package translog

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// GenerateKey makes an Ed25519 key pair of a log or a witness, encoded as C2SP signed-note has it. The origin is a name
// like a URL without its scheme, "example.com/ledger": no white space, no plus.
func GenerateKey(origin string) (private, public string, err error) {
	if origin == "" || len(origin) > 200 || strings.ContainsAny(origin, "+") || strings.ContainsFunc(origin, unprintable) {
		return "", "", fmt.Errorf("the origin %q is not 1 to 200 printable ASCII characters without space and plus", origin)
	}
	private, public, err = note.GenerateKey(rand.Reader, origin)
	if err != nil {
		return "", "", fmt.Errorf("generate a key: %w", err)
	}
	return private, public, nil
}

func unprintable(r rune) bool { return r <= ' ' || r > '~' }

// ParseKey reads a signing key, and derives its public key, encoded and as a verifier. Errors never contain the key.
func ParseKey(private string) (signer note.Signer, public string, verifier note.Verifier, err error) {
	signer, err = note.NewSigner(strings.TrimSpace(private))
	if err != nil {
		return nil, "", nil, errors.New("it is no Ed25519 signing key of the form PRIVATE+KEY+ORIGIN+HASH+DATA")
	}
	if public, err = publicKey(strings.TrimSpace(private), signer); err != nil {
		return nil, "", nil, err
	}
	if verifier, err = note.NewVerifier(public); err != nil {
		return nil, "", nil, errors.New("the signing key has no public key")
	}
	return signer, public, verifier, nil
}

// publicKey is the encoded public key of a signing key.
func publicKey(private string, signer note.Signer) (string, error) {
	_, data, _ := strings.Cut(strings.TrimPrefix(private, "PRIVATE+KEY+"+signer.Name()+"+"), "+")
	raw, err := base64.StdEncoding.DecodeString(data)
	if err != nil || len(raw) != 1+ed25519.SeedSize {
		return "", errors.New("the signing key has no Ed25519 seed")
	}
	public, _ := ed25519.NewKeyFromSeed(raw[1:]).Public().(ed25519.PublicKey)
	encoded, err := note.NewEd25519VerifierKey(signer.Name(), public)
	if err != nil {
		return "", errors.New("the signing key's name is no origin")
	}
	return encoded, nil
}
