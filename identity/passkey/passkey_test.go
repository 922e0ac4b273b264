package passkey_test

import (
	"encoding/json"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/passkey"
	"github.com/massrouter/massrouter/internal/passkeytest"
	"github.com/massrouter/massrouter/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

const origin = "https://massrouter.example"

type bench struct {
	*passkey.Store
	t    *testing.T
	pool *pgxpool.Pool
	mu   sync.Mutex
	at   time.Time
}

func (b *bench) step(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.at = b.at.Add(d)
}

func setup(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, pool: pgtest.New(t), at: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)}
	var err error
	b.Store, err = passkey.New(b.pool, "massrouter.example", "MassRouter", []string{origin}, func() time.Time {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.at
	})
	require.NoError(t, err)
	return b
}

func (b *bench) person(name string) passkey.Person {
	b.t.Helper()
	p := passkey.Person{ID: uuid.New(), Email: name + "@example.com", Name: name}
	_, err := b.pool.Exec(b.t.Context(), `INSERT INTO identity.users (user_id, email, language, zone, created_at) VALUES ($1, $2, 'en', 'UTC', now())`, p.ID, p.Email)
	require.NoError(b.t, err)
	return p
}

// device is a virtual authenticator in a browser that stands at an origin.
type device struct {
	t             *testing.T
	authenticator virtualwebauthn.Authenticator
	credential    virtualwebauthn.Credential
	party         virtualwebauthn.RelyingParty
}

func newDevice(t *testing.T, p passkey.Person, from string) *device {
	t.Helper()
	return &device{
		t: t, authenticator: virtualwebauthn.NewAuthenticatorWithOptions(virtualwebauthn.AuthenticatorOptions{UserHandle: p.ID[:]}),
		credential: passkeytest.NewCredential(),
		party:      virtualwebauthn.RelyingParty{ID: "massrouter.example", Name: "MassRouter", Origin: from},
	}
}

// create answers navigator.credentials.create.
func (d *device) create(options []byte) []byte {
	d.t.Helper()
	asked, err := virtualwebauthn.ParseAttestationOptions(string(options))
	require.NoError(d.t, err)
	require.False(d.t, d.credential.IsExcludedForAttestation(*asked))
	return []byte(virtualwebauthn.CreateAttestationResponse(d.party, d.authenticator, d.credential, *asked))
}

// get answers navigator.credentials.get.
func (d *device) get(options []byte) []byte {
	d.t.Helper()
	asked, err := virtualwebauthn.ParseAssertionOptions(string(options))
	require.NoError(d.t, err)
	d.credential.Counter++
	return []byte(virtualwebauthn.CreateAssertionResponse(d.party, d.authenticator, d.credential, *asked))
}

// registered is a device with a passkey of a person.
func (b *bench) registered(p passkey.Person) *device {
	b.t.Helper()
	d := newDevice(b.t, p, origin)
	options, secret, err := b.BeginRegister(b.t.Context(), p)
	require.NoError(b.t, err)
	_, err = b.FinishRegister(b.t.Context(), p, secret, "my laptop", d.create(options))
	require.NoError(b.t, err)
	return d
}

func (b *bench) requireCode(code domain.Code, err error) {
	b.t.Helper()
	require.Equal(b.t, code, domain.CodeOf(err), "%v", err)
}

func TestAPasskey(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ann, bob := b.person("ann"), b.person("bob")
	_, _, err := b.BeginFactor(t.Context(), ann)
	b.requireCode(domain.CodeNotFound, err)
	d := b.registered(ann)
	all, err := b.List(t.Context(), ann.ID)
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.Equal(t, "my laptop", all[0].Name)
	require.Zero(t, all[0].UsedAt)

	options, secret, err := b.BeginFactor(t.Context(), ann)
	require.NoError(t, err)
	var asked struct {
		PublicKey struct{ UserVerification string }
	}
	require.NoError(t, json.Unmarshal(options, &asked))
	require.Equal(t, "required", asked.PublicKey.UserVerification)
	answer := d.get(options)
	b.requireCode(passkey.CodeWrong, b.FinishFactor(t.Context(), bob, secret, answer))
	require.NoError(t, b.FinishFactor(t.Context(), ann, secret, answer))
	b.requireCode(passkey.CodeWrong, b.FinishFactor(t.Context(), ann, secret, answer)) // it was used

	options, secret, err = b.BeginEnter(t.Context())
	require.NoError(t, err)
	user, err := b.FinishEnter(t.Context(), secret, d.get(options))
	require.NoError(t, err)
	require.Equal(t, ann.ID, user)
	all, err = b.List(t.Context(), ann.ID)
	require.NoError(t, err)
	require.NotZero(t, all[0].UsedAt)

	b.requireCode(domain.CodeNotFound, b.Remove(t.Context(), bob.ID, all[0].ID))
	require.NoError(t, b.Remove(t.Context(), ann.ID, all[0].ID))
	options, secret, err = b.BeginEnter(t.Context())
	require.NoError(t, err)
	_, err = b.FinishEnter(t.Context(), secret, d.get(options))
	b.requireCode(passkey.CodeWrong, err)
}

// TestWhatProvesNothing: another site, an old challenge, an answer to another question, a copied device, a passkey of somebody else, somebody who is gone.
func TestWhatProvesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ann, eve := b.person("ann"), b.person("eve")
	options, secret, err := b.BeginRegister(t.Context(), ann)
	require.NoError(t, err)
	_, err = b.FinishRegister(t.Context(), ann, secret, "phish", newDevice(t, ann, "https://massrouter.example.evil").create(options))
	b.requireCode(passkey.CodeWrong, err)
	options, secret, err = b.BeginRegister(t.Context(), ann)
	require.NoError(t, err)
	_, err = b.FinishRegister(t.Context(), eve, secret, "hers", newDevice(t, eve, origin).create(options))
	b.requireCode(passkey.CodeWrong, err)
	for _, name := range []string{"", strings.Repeat("x", 61), "a\u202eb"} {
		_, err = b.FinishRegister(t.Context(), ann, secret, name, newDevice(t, ann, origin).create(options))
		b.requireCode(domain.CodeInvalid, err)
	}
	d := b.registered(ann)
	options, secret, err = b.BeginRegister(t.Context(), eve)
	require.NoError(t, err)
	_, err = b.FinishRegister(t.Context(), eve, secret, "hers", d.create(options))
	b.requireCode(passkey.CodeWrong, err)

	enter := func(change func(answer []byte) []byte, late time.Duration) error {
		options, secret, err := b.BeginEnter(t.Context())
		require.NoError(t, err)
		answer := change(d.get(options))
		b.step(late)
		_, err = b.FinishEnter(t.Context(), secret, answer)
		return err
	}
	same := func(answer []byte) []byte { return answer }
	require.NoError(t, enter(same, 0))
	b.requireCode(passkey.CodeWrong, enter(same, passkey.Life))
	other, _, err := b.BeginEnter(t.Context())
	require.NoError(t, err)
	b.requireCode(passkey.CodeWrong, enter(func([]byte) []byte { return d.get(other) }, 0))
	b.requireCode(passkey.CodeWrong, enter(func([]byte) []byte { return []byte("{}") }, 0))
	b.requireCode(passkey.CodeWrong, enter(func([]byte) []byte { return nil }, 0))
	d.party.Origin = "http://massrouter.example"
	b.requireCode(passkey.CodeWrong, enter(same, 0))
	d.party.Origin = origin
	require.NoError(t, enter(same, 0))
	d.credential.Counter = 0 // a copy that does not know how far the other has counted
	b.requireCode(passkey.CodeWrong, enter(same, 0))
	d.credential.Counter = 100
	require.NoError(t, enter(same, 0))
	_, err = b.pool.Exec(t.Context(), `UPDATE identity.users SET deleted_at = now() WHERE user_id = $1`, ann.ID)
	require.NoError(t, err)
	b.requireCode(passkey.CodeWrong, enter(same, 0))
	b.step(time.Hour)
	_, err = b.Prune(t.Context())
	require.NoError(t, err)
	var left int
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT count(*) FROM identity.ceremonies`).Scan(&left))
	require.Zero(t, left)
}
