package ownkey_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/ownkey"
	"github.com/massrouter/massrouter/gateway/seal/envelope"
	"github.com/massrouter/massrouter/internal/pgtest"
)

const secret = "sk-the-customers-own-4711"

// world has one wallet and one vendor.
type world struct {
	t      *testing.T
	pool   *pgxpool.Pool
	store  *ownkey.Store
	watch  *ownkey.Watch
	keyset *envelope.Keyring
	wallet uuid.UUID
}

func (w *world) Exists(_ context.Context, id uuid.UUID) error {
	if id != w.wallet {
		return domain.Errorf(domain.CodeWalletNotFound, "no such wallet")
	}
	return nil
}

func (*world) Takes(_ context.Context, vendor, _ string) error {
	if vendor != "acme" && vendor != "other" {
		return domain.Errorf(domain.CodeVendorNotFound, "no such vendor")
	}
	return nil
}

func keyset(t *testing.T) *envelope.Keyring {
	t.Helper()
	text, err := envelope.NewKeyset()
	require.NoError(t, err)
	keys, err := envelope.Open(text, nil)
	require.NoError(t, err)
	return keys
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, pool: pgtest.New(t), keyset: keyset(t), wallet: uuid.New()}
	w.store = ownkey.New(w.pool, w.keyset, w, w)
	w.watch = ownkey.NewWatch(w.pool, w.keyset, func(err error) { t.Error(err) })
	return w
}

func asked() ownkey.Request { return ownkey.Request{ID: uuid.New(), Actor: "operator:test"} }

func (w *world) create(vendor, secret string, s ownkey.Settings) (ownkey.Key, error) {
	w.t.Helper()
	k, _, err := w.store.Create(context.Background(), asked(), w.wallet, vendor, secret, s)
	return k, err
}

// usable are the labels of the keys that a call may use.
func (w *world) usable(model string, key uuid.UUID) (secrets []string) {
	w.t.Helper()
	require.NoError(w.t, w.watch.Look(context.Background()))
	all, err := w.watch.ByVendor(w.wallet, model, key)
	require.NoError(w.t, err)
	for _, k := range all["acme"] {
		secrets = append(secrets, k.Secret)
	}
	return secrets
}

func TestAKeyLives(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	api := uuid.New()
	q := asked()
	s := ownkey.Settings{Label: "ours", Models: []string{"a/b"}, KeyIDs: []uuid.UUID{api}}
	made, replayed, err := w.store.Create(t.Context(), q, w.wallet, "acme", secret, s)
	require.NoError(t, err)
	require.False(t, replayed)
	require.Equal(t, "4711", made.LastFour)
	again, replayed, err := w.store.Create(t.Context(), q, w.wallet, "acme", secret, s)
	require.NoError(t, err)
	require.True(t, replayed)
	require.Equal(t, made, again)
	_, _, err = w.store.Create(t.Context(), q, w.wallet, "acme", secret+"x", s)
	require.Equal(t, domain.CodeIdempotencyConflict, domain.CodeOf(err))

	require.Equal(t, []string{secret}, w.usable("a/b", api))
	require.Empty(t, w.usable("a/c", api))
	require.Empty(t, w.usable("a/b", uuid.New()))
	read, err := w.store.Key(t.Context(), w.wallet, made.ID)
	require.NoError(t, err)
	require.Equal(t, made, read)
	_, err = w.store.Key(t.Context(), uuid.New(), made.ID)
	require.Equal(t, ownkey.CodeNotFound, domain.CodeOf(err), "another wallet's")

	changed, _, err := w.store.Update(t.Context(), asked(), w.wallet, made.ID, "sk-replaced-0815-0815", ownkey.Settings{Label: "theirs"})
	require.NoError(t, err)
	require.Equal(t, "0815", changed.LastFour)
	require.Greater(t, changed.Version, made.Version)
	require.Equal(t, []string{"sk-replaced-0815-0815"}, w.usable("a/c", uuid.New()))
	_, _, err = w.store.Update(t.Context(), asked(), w.wallet, made.ID, "", ownkey.Settings{Label: "theirs", Disabled: true})
	require.NoError(t, err)
	require.Empty(t, w.usable("a/c", api))

	created := q
	q = asked()
	_, err = w.store.Delete(t.Context(), q, uuid.New(), made.ID)
	require.Equal(t, ownkey.CodeNotFound, domain.CodeOf(err))
	for i, want := range []bool{false, true} {
		replayed, err := w.store.Delete(t.Context(), q, w.wallet, made.ID)
		require.NoError(t, err)
		require.Equal(t, want, replayed, i)
	}
	gone, replayed, err := w.store.Create(t.Context(), created, w.wallet, "acme", secret, s)
	require.NoError(t, err)
	require.True(t, replayed, "it is not made again")
	require.Equal(t, ownkey.Key{ID: made.ID, WalletID: w.wallet}, gone)
	all, err := w.store.ByWallet(t.Context(), w.wallet)
	require.NoError(t, err)
	require.Empty(t, all)
	var left int
	require.NoError(t, w.pool.QueryRow(t.Context(), `SELECT count(*) FROM gateway.vendor_keys WHERE sealed IS NOT NULL OR label <> '' OR last_four <> ''`).Scan(&left))
	require.Zero(t, left, "what is deleted is erased")
}

func TestWhatIsNoKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fine := ownkey.Settings{Label: "ours"}
	for name, row := range map[string]struct {
		vendor, secret string
		settings       ownkey.Settings
		member         string
	}{
		"too short":         {"acme", "sk-1234", fine, "/secret"},
		"too long":          {"acme", strings.Repeat("a", ownkey.MaxSecret+1), fine, "/secret"},
		"with a line break": {"acme", "sk-12345678\r\nX-Admin: 1", fine, "/secret"},
		"with a space":      {"acme", "Bearer sk-12345678", fine, "/secret"},
		"no ASCII":          {"acme", "sk-12345678é", fine, "/secret"},
		"half a document":   {"acme", `{"type":"service_account"`, fine, "/secret"},
		"no label":          {"acme", secret, ownkey.Settings{}, "/label"},
		"a label with code": {"acme", secret, ownkey.Settings{Label: "a\x1b[2J"}, "/label"},
		"too many models":   {"acme", secret, ownkey.Settings{Label: "ours", Models: make([]string, ownkey.MaxListed+1)}, "/models"},
		"an empty model":    {"acme", secret, ownkey.Settings{Label: "ours", Models: []string{""}}, "/models"},
		"too many keys":     {"acme", secret, ownkey.Settings{Label: "ours", KeyIDs: make([]uuid.UUID, ownkey.MaxListed+1)}, "/key_ids"},
	} {
		_, err := w.create(row.vendor, row.secret, row.settings)
		var refusal *domain.Error
		require.ErrorAs(t, err, &refusal, name)
		require.Equal(t, domain.CodeInvalid, refusal.Code, name)
		require.Equal(t, row.member, refusal.Details["member"], name)
		require.NotContains(t, err.Error(), "1234", name)
	}
	_, err := w.create("nobody", secret, fine)
	require.Equal(t, domain.CodeVendorNotFound, domain.CodeOf(err))
	_, _, err = w.store.Create(t.Context(), asked(), uuid.New(), "acme", secret, fine)
	require.Equal(t, domain.CodeWalletNotFound, domain.CodeOf(err))
}

// TestNothingIsShownOfWhatIsTooShortOrADocument.
func TestNothingIsShownOfWhatIsTooShortOrADocument(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, text := range []string{"sk-12345678", `{"private_key":"0123456789abcdef"}`} {
		k, err := w.create("acme", text, ownkey.Settings{Label: "ours"})
		require.NoError(t, err)
		require.Empty(t, k.LastFour)
	}
}

// TestAWalletHasRoomForSoManyKeys, also when all of them come at the same time.
func TestAWalletHasRoomForSoManyKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var all sync.WaitGroup
	var mu sync.Mutex
	made := 0
	for range 4 * ownkey.MaxPerVendor {
		all.Go(func() {
			_, err := w.create("acme", secret, ownkey.Settings{Label: "ours"})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				made++
			} else if domain.CodeOf(err) != domain.CodeConflict {
				t.Error(err)
			}
		})
	}
	all.Wait()
	require.Equal(t, ownkey.MaxPerVendor, made)
	_, err := w.create("other", secret, ownkey.Settings{Label: "ours"})
	require.NoError(t, err)
	require.Len(t, w.usable("a/b", uuid.New()), ownkey.MaxPerVendor)
}

// TestWhatCannotBeOpened is not used, and said once without the key; the calls of one that is to be the only one are refused.
func TestWhatCannotBeOpened(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k, err := w.create("acme", secret, ownkey.Settings{Label: "ours"})
	require.NoError(t, err)
	var said []string
	other := ownkey.NewWatch(w.pool, keyset(t), func(err error) { said = append(said, err.Error()) })
	_, err = other.ByVendor(w.wallet, "a/b", uuid.New())
	require.Equal(t, domain.CodeUnavailable, domain.CodeOf(err), "it has not looked yet")
	require.NoError(t, other.Look(t.Context()))
	all, err := other.ByVendor(w.wallet, "a/b", uuid.New())
	require.NoError(t, err)
	require.Empty(t, all)
	_, known := other.Find(k.ID)
	require.False(t, known)
	_, _, err = w.store.Update(t.Context(), asked(), w.wallet, k.ID, "", ownkey.Settings{Label: "ours", Only: true})
	require.NoError(t, err)
	require.NoError(t, other.Look(t.Context()))
	_, err = other.ByVendor(w.wallet, "a/b", uuid.New())
	require.Equal(t, domain.CodeUnavailable, domain.CodeOf(err))
	require.NotEmpty(t, said)
	require.NotContains(t, strings.Join(said, " "), secret)
}

// TestARowOfAnotherWalletCannotBeOpened: whoever can write to the table gains nothing by moving what is sealed.
func TestARowOfAnotherWalletCannotBeOpened(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.create("acme", secret, ownkey.Settings{Label: "ours"})
	require.NoError(t, err)
	thief := uuid.New()
	_, err = w.pool.Exec(t.Context(), `UPDATE gateway.vendor_keys SET wallet_id = $1`, thief)
	require.NoError(t, err)
	failed := 0
	other := ownkey.NewWatch(w.pool, w.keyset, func(error) { failed++ })
	require.NoError(t, other.Look(t.Context()))
	all, err := other.ByVendor(thief, "a/b", uuid.New())
	require.NoError(t, err)
	require.Empty(t, all)
	require.Equal(t, 1, failed)
}

// TestTheAuditTrailHasEveryChangeAndNoKey, nor labels where nobody acts with whom they could be erased.
func TestTheAuditTrailHasEveryChangeAndNoKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k, err := w.create("acme", secret, ownkey.Settings{Label: "ours"})
	require.NoError(t, err)
	_, _, err = w.store.Update(t.Context(), asked(), w.wallet, k.ID, "sk-replaced-0815-0815", ownkey.Settings{Label: "theirs", Only: true})
	require.NoError(t, err)
	_, err = w.store.Delete(t.Context(), asked(), w.wallet, k.ID)
	require.NoError(t, err)
	var entries int
	var text string
	require.NoError(t, w.pool.QueryRow(t.Context(), `SELECT count(*), string_agg(e::text, ' ') FROM audit.entries e WHERE e::text LIKE '%' || $1 || '%'`, k.ID.String()).Scan(&entries, &text))
	require.Equal(t, 3, entries, text)
	require.Contains(t, text, "0815")
	require.NotContains(t, text, "theirs")
	require.NotContains(t, text, secret)
	require.NotContains(t, text, "sk-replaced")
}
