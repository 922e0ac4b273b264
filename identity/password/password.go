// Package password hashes passwords and says which ones are too easy to guess.
//
//	password.go  argon2id (RFC 9106), in the form that its reference implementation writes
//	strength.go  what no new password may be
//	pace.go      how much of the processor hashing takes
//	line.go      who waits for it; asker.go for whom that is
package password

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"
)

// Parameters of argon2id. They stand in every hash, so that they can grow.
type Parameters struct {
	Memory  uint32 // KiB
	Passes  uint32
	Threads uint8
}

// Standard is what new hashes are made with: the least that OWASP's password storage guide recommends for argon2id.
func Standard() Parameters { return Parameters{Memory: 19 << 10, Passes: 2, Threads: 1} }

const (
	saltSize = 16
	hashSize = 32
	// bounds of what a stored hash may ask for: it is trusted, but an error in it must not take the machine's memory.
	maxMemory  = 1 << 20 // KiB
	maxPasses  = 64
	maxThreads = 16
)

// errForm: a stored hash that is none of ours.
var errForm = errors.New("the stored hash of a password cannot be read")

// Hasher makes and checks hashes, so many at a time that the rest of the process has room. For whom, which decides who comes first, says the context (WithAsker). It is safe
// for concurrent use.
type Hasher struct {
	with  Parameters
	pace  *pace
	dummy string // of nobody's password
}

// Options of a Hasher. Zero values take the defaults named here.
type Options struct {
	Parameters Parameters
	// Share is how much of one processor core hashing may take, above 0 and at most 1; 0.25.
	Share float64
	// Waiting is how many may wait for their turn; 64. Of more those are refused with overloaded of whose network most wait.
	Waiting int
	// PerNetwork is how many of one network may wait, of those that are known and of the others; 16.
	PerNetwork int
	// Patience is how long one waits for its turn; 5 s.
	Patience time.Duration
}

// NewHasher makes a Hasher.
func NewHasher(o Options) (*Hasher, error) {
	if o.Parameters == (Parameters{}) {
		o.Parameters = Standard()
	}
	if err := o.Parameters.check(); err != nil {
		return nil, err
	}
	h := &Hasher{with: o.Parameters, pace: newPace(o.Share, o.Waiting, o.PerNetwork, o.Patience)}
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt) // never fails
	h.dummy = h.with.encode(salt, make([]byte, hashSize))
	return h, nil
}

func (p Parameters) check() error {
	if p.Memory < 8*uint32(p.Threads) || p.Memory > maxMemory || p.Passes < 1 || p.Passes > maxPasses || p.Threads < 1 || p.Threads > maxThreads {
		return fmt.Errorf("argon2id cannot be used with %+v", p)
	}
	return nil
}

// Hash makes the hash of a password. Errors: overloaded, or the context's.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt) // never fails
	var key []byte
	err := h.pace.do(ctx, func() { key = h.with.key(password, salt, hashSize) })
	if err != nil {
		return "", err
	}
	return h.with.encode(salt, key), nil
}

// Check says whether a password has the stored hash, and whether the hash should be made anew with today's parameters. "" is the hash of nobody: it
// takes the time of any other and is never right, so that the time of an answer does not tell whether somebody exists. Errors: overloaded, the
// context's, or a hash that cannot be read.
func (h *Hasher) Check(ctx context.Context, password, stored string) (right, old bool, err error) {
	nobody := stored == ""
	if nobody {
		stored = h.dummy
	}
	with, salt, want, err := decode(stored)
	if err != nil {
		return false, false, err
	}
	var key []byte
	if err := h.pace.do(ctx, func() { key = with.key(password, salt, uint32(len(want))) }); err != nil { //nolint:gosec // decode bounds it
		return false, false, err
	}
	right = subtle.ConstantTimeCompare(key, want) == 1 && !nobody
	return right, right && with != h.with, nil
}

func (p Parameters) key(password string, salt []byte, size uint32) []byte {
	return argon2.IDKey([]byte(password), salt, p.Passes, p.Memory, p.Threads, size)
}

// encode is the form of the reference implementation: $argon2id$v=19$m=…,t=…,p=…$salt$hash.
func (p Parameters) encode(salt, key []byte) string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.Memory, p.Passes, p.Threads, b64(salt), b64(key))
}

func decode(stored string) (p Parameters, salt, key []byte, err error) {
	parts := strings.Split(stored, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return p, nil, nil, errForm
	}
	var rest string
	if n, _ := fmt.Sscanf(parts[3]+" ", "m=%d,t=%d,p=%d%s", &p.Memory, &p.Passes, &p.Threads, &rest); n != 3 || p.check() != nil {
		return p, nil, nil, errForm
	}
	salt, err = base64.RawStdEncoding.Strict().DecodeString(parts[4])
	if err != nil || len(salt) < 8 || len(salt) > 64 {
		return p, nil, nil, errForm
	}
	key, err = base64.RawStdEncoding.Strict().DecodeString(parts[5])
	if err != nil || len(key) < 16 || len(key) > 64 {
		return p, nil, nil, errForm
	}
	return p, salt, key, nil
}
