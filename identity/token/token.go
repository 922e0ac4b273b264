// Package token makes and checks access tokens: JWTs of the profile of RFC 9068, signed with Ed25519, good for minutes.
package token

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
)

const (
	// Life is how long an access token is good. A session that is revoked before is told to every process besides.
	Life = 10 * time.Minute
	// leeway is how far two machines' clocks may be apart.
	leeway = 30 * time.Second
	// maxToken bounds what is looked at, in bytes.
	maxToken = 4 << 10
	typ      = "at+jwt"
)

// Audience is who a token is for: a token of one front end is worth nothing at the other.
type Audience string

// The audiences.
const (
	Portal Audience = "portal"
	Admin  Audience = "admin"
)

// Claims are what an access token says.
type Claims struct {
	User     uuid.UUID
	Session  uuid.UUID
	Audience Audience
	// Shown is when the last factor was shown before the token was made (auth_time). A token that was stolen stays as old when its owner shows one once more.
	Shown    time.Time // whole seconds; zero in a token that does not say
	IssuedAt time.Time // whole seconds
}

// body is a token's payload (RFC 9068, 2.2).
type body struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"`
	Audience Audience `json:"aud"`
	Client   string   `json:"client_id"`
	Session  string   `json:"sid"`
	ID       string   `json:"jti"`
	Shown    int64    `json:"auth_time,omitempty"` // 2.2.1
	IssuedAt int64    `json:"iat"`
	Expires  int64    `json:"exp"`
}

// Key signs tokens, or has signed them.
type Key struct {
	ID      string // the thumbprint of the public half (RFC 7638)
	Public  ed25519.PublicKey
	private ed25519.PrivateKey
}

// NewKey reads a key from its seed of 32 bytes.
func NewKey(seed []byte) (Key, error) {
	if len(seed) != ed25519.SeedSize {
		return Key{}, fmt.Errorf("a signing key has %d bytes", ed25519.SeedSize)
	}
	private := ed25519.NewKeyFromSeed(seed)
	public, ok := private.Public().(ed25519.PublicKey)
	if !ok {
		return Key{}, errors.New("a key of Ed25519 has another kind of public half")
	}
	return Key{ID: thumbprint(public), Public: public, private: private}, nil
}

// thumbprint is that of RFC 8037, appendix A.3.
func thumbprint(public ed25519.PublicKey) string {
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + base64.RawURLEncoding.EncodeToString(public) + `"}`))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// keys are the ones in use: the first one signs, all of them check.
type keys struct {
	all    []Key
	signer jose.Signer
	byID   map[string]ed25519.PublicKey
}

// Issuer makes and checks tokens. It is safe for concurrent use.
type Issuer struct {
	name string
	now  func() time.Time
	keys atomic.Pointer[keys]
}

// NewIssuer makes an Issuer of a name (an address, as RFC 9068 wants it). The first key signs, all of them check.
func NewIssuer(name string, now func() time.Time, all ...Key) (*Issuer, error) {
	i := &Issuer{name: name, now: now}
	return i, i.Use(all...)
}

// Use exchanges the keys: a new one comes last and moves to the front when every process knows it, an old one goes when its last token is over.
func (i *Issuer) Use(all ...Key) error {
	if len(all) == 0 || all[0].private == nil {
		return errors.New("access tokens need a signing key")
	}
	options := (&jose.SignerOptions{}).WithType(typ).WithHeader("kid", all[0].ID)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: all[0].private}, options)
	if err != nil {
		return fmt.Errorf("prepare to sign access tokens: %w", err)
	}
	k := &keys{all: slices.Clone(all), signer: signer, byID: make(map[string]ed25519.PublicKey, len(all))}
	for _, key := range all {
		k.byID[key.ID] = key.Public
	}
	i.keys.Store(k)
	return nil
}

// Issue makes a token from now on.
func (i *Issuer) Issue(c Claims) (text string, expires time.Time, err error) {
	at := i.now().Truncate(time.Second)
	id, err := uuid.NewRandom()
	if err != nil {
		return "", time.Time{}, fmt.Errorf("name an access token: %w", err)
	}
	expires = at.Add(Life)
	payload, err := json.Marshal(body{
		Issuer: i.name, Subject: c.User.String(), Audience: c.Audience, Client: string(c.Audience), Session: c.Session.String(), ID: id.String(),
		Shown: seconds(c.Shown), IssuedAt: at.Unix(), Expires: expires.Unix(),
	})
	if err != nil {
		return "", time.Time{}, fmt.Errorf("write an access token: %w", err)
	}
	signed, err := i.keys.Load().signer.Sign(payload)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("sign an access token: %w", err)
	}
	text, err = signed.CompactSerialize()
	if err != nil {
		return "", time.Time{}, fmt.Errorf("write an access token: %w", err)
	}
	return text, expires, nil
}

// Check reads a token for one of the audiences. Every error is unauthenticated and says no more than that, but for token_expired: those who are sent that
// may ask for a new one.
func (i *Issuer) Check(text string, audiences ...Audience) (Claims, error) {
	if len(text) > maxToken {
		return Claims{}, refused()
	}
	signed, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil || len(signed.Signatures) != 1 {
		return Claims{}, refused()
	}
	head := signed.Signatures[0].Protected
	public, known := i.keys.Load().byID[head.KeyID]
	if kind, _ := head.ExtraHeaders[jose.HeaderType].(string); !known || kind != typ {
		return Claims{}, refused()
	}
	payload, err := signed.Verify(public)
	if err != nil {
		return Claims{}, refused()
	}
	var b body
	if json.Unmarshal(payload, &b) != nil || b.Issuer != i.name || !slices.Contains(audiences, b.Audience) {
		return Claims{}, refused()
	}
	user, err := uuid.Parse(b.Subject)
	session, wrong := uuid.Parse(b.Session)
	now, issued, expires := i.now(), time.Unix(b.IssuedAt, 0), time.Unix(b.Expires, 0)
	switch {
	case err != nil || wrong != nil || issued.After(now.Add(leeway)) || expires.Sub(issued) > Life:
		return Claims{}, refused()
	case !now.Before(expires.Add(leeway)):
		return Claims{}, domain.Errorf(CodeExpired, "this access token is over")
	}
	c := Claims{User: user, Session: session, Audience: b.Audience, IssuedAt: issued}
	if b.Shown > 0 {
		c.Shown = time.Unix(b.Shown, 0)
	}
	return c, nil
}

func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// CodeExpired is of tokens that were good: a new one is to be had with the refresh token.
const CodeExpired domain.Code = "token_expired"

func refused() error {
	return domain.Errorf(domain.CodeUnauthenticated, "this access token is not valid")
}

// KeySet is the public halves as a JSON Web Key Set (RFC 7517), for others who check tokens.
func (i *Issuer) KeySet() ([]byte, error) {
	var set jose.JSONWebKeySet
	for _, key := range i.keys.Load().all {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: key.Public, KeyID: key.ID, Algorithm: string(jose.EdDSA), Use: "sig"})
	}
	text, err := json.Marshal(set)
	if err != nil {
		return nil, fmt.Errorf("write the key set: %w", err)
	}
	return text, nil
}
