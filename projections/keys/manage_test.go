package keys_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/projections/keys"
	pt "github.com/massrouter/massrouter/projections/projectiontest"
)

// TestManagedKeys: those of the wallet that call models and are not revoked, by the hash of their secret of now.
func TestManagedKeys(t *testing.T) {
	t.Parallel()
	k := pt.New(t, pgtest.New(t))
	const plain, disabled, revoked, management, foreign = 11, 12, 13, 14, 15
	for n, wallet := range map[uint64]uint64{plain: 1, disabled: 1, revoked: 1, management: 1, foreign: 2} {
		e := apikey.Issued{KeyID: pt.ID(n), WalletID: pt.ID(wallet), Hash: apikey.HashSecret(string(rune(n))), Label: "l"}
		if n == management {
			e.Scope = apikey.Management
		}
		k.Append(t.Context(), t, pt.Key(e.KeyID, e))
		k.Now = k.Now.Add(time.Second)
	}
	k.Append(t.Context(), t, pt.Key(pt.ID(disabled), apikey.Disabled{KeyID: pt.ID(disabled)}))
	k.Append(t.Context(), t, pt.Key(pt.ID(revoked), apikey.Revoked{KeyID: pt.ID(revoked)}))
	second := apikey.HashSecret("second")
	k.Append(t.Context(), t, pt.Key(pt.ID(plain), apikey.Rotated{KeyID: pt.ID(plain), Hash: second, Label: "l2", OldHashUntil: k.Now.Add(time.Hour)}))
	k.Twice(t.Context(), t, keys.Projection{})
	q := keys.NewQuery(k.Pool)

	ids := func(r keys.ManagedRequest) map[byte]bool {
		page, err := q.Managed(t.Context(), r)
		require.NoError(t, err)
		found := map[byte]bool{}
		for _, key := range page.Keys {
			found[key.ID[len(key.ID)-1]] = true
			require.Equal(t, int64(8), key.Position)
		}
		require.Len(t, found, len(page.Keys))
		return found
	}
	mine := keys.ManagedRequest{WalletID: pt.ID(1), Limit: 10}
	last := func(n uint64) byte { id := pt.ID(n); return id[len(id)-1] }
	require.Equal(t, map[byte]bool{last(plain): true}, ids(mine))
	mine.Disabled = true
	require.Equal(t, map[byte]bool{last(plain): true, last(disabled): true}, ids(mine))
	mine.Limit = 1
	one := ids(mine)
	require.Len(t, one, 1)
	mine.Offset = 1
	other := ids(mine)
	require.Len(t, other, 1)
	require.NotEqual(t, one, other)
	mine.Offset = 2
	require.Empty(t, ids(mine))
	for _, bad := range []keys.ManagedRequest{{Offset: -1, Limit: 1}, {Limit: 0}, {Limit: 1001}} {
		_, err := q.Managed(t.Context(), bad)
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err))
	}

	found, err := q.ManagedByHash(t.Context(), pt.ID(1), second, 8)
	require.NoError(t, err)
	require.Equal(t, pt.ID(plain), found.ID)
	for name, hash := range map[string]apikey.Hash{
		"before the rotation": apikey.HashSecret(string(rune(plain))), "revoked": apikey.HashSecret(string(rune(revoked))),
		"management": apikey.HashSecret(string(rune(management))), "of another wallet": apikey.HashSecret(string(rune(foreign))),
	} {
		_, err := q.ManagedByHash(t.Context(), pt.ID(1), hash, 0)
		require.Equal(t, domain.CodeKeyNotFound, domain.CodeOf(err), name)
	}
	managing, err := q.Key(t.Context(), pt.ID(management), 0)
	require.NoError(t, err)
	require.Equal(t, apikey.Management, managing.Scope)
}
