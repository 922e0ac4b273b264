package commands_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/app"
	"github.com/massrouter/massrouter/domain/money"
)

func TestOnlyAnAppOfTheSameWalletIsBound(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	m := func() commands.Meta { return commands.Meta{CommandID: uuid.New(), Actor: "operator:test"} }
	wallets, keys, apps := make([]uuid.UUID, 2), make([]uuid.UUID, 2), make([]uuid.UUID, 2)
	for i := range wallets {
		wallets[i], keys[i], apps[i] = uuid.New(), uuid.New(), uuid.New()
		c := commands.RegisterApp{AppID: apps[i], WalletID: wallets[i], Details: app.Details{Name: "n", URL: "https://n.example"}}
		_, _, err := b.app.RegisterApp(ctx, m(), c)
		require.Equal(t, domain.CodeWalletNotFound, domain.CodeOf(err))
		_, _, err = b.app.OpenWallet(ctx, m(), commands.OpenWallet{WalletID: wallets[i], Owner: "org-1", Currency: money.USD})
		require.NoError(t, err)
		_, _, err = b.app.IssueKey(ctx, m(), commands.IssueKey{KeyID: keys[i], WalletID: wallets[i], Hash: apikey.HashSecret(keys[i].String()), Label: "l"})
		require.NoError(t, err)
		_, _, err = b.app.RegisterApp(ctx, m(), c)
		require.NoError(t, err)
	}
	bind := func(key, app uuid.UUID) domain.Code {
		_, _, err := b.app.BindApp(ctx, m(), commands.BindApp{KeyID: key, AppID: app})
		return domain.CodeOf(err)
	}
	require.Equal(t, domain.CodeAppNotFound, bind(keys[0], apps[1]), "an app of another wallet")
	require.Equal(t, domain.CodeAppNotFound, bind(keys[0], uuid.New()))
	require.Equal(t, domain.CodeKeyNotFound, bind(uuid.New(), apps[0]))
	require.Equal(t, domain.CodeConflict, bind(keys[0], uuid.Nil), "there is nothing to take away")
	require.Empty(t, bind(keys[0], apps[0]))
	require.Equal(t, domain.CodeConflict, bind(keys[0], apps[0]))
	require.Empty(t, bind(keys[0], uuid.Nil))

	_, _, err := b.app.UpdateApp(ctx, m(), commands.UpdateApp{AppID: apps[0], Details: app.Details{Name: "o", URL: "https://o.example"}})
	require.NoError(t, err)
	_, _, err = b.app.ArchiveApp(ctx, m(), commands.ArchiveApp{AppID: apps[0], Reason: "r"})
	require.NoError(t, err)
	require.Equal(t, domain.CodeAppArchived, bind(keys[0], apps[0]))
	_, _, err = b.app.UpdateApp(ctx, m(), commands.UpdateApp{AppID: apps[0], Details: app.Details{Name: "p", URL: "https://p.example"}})
	require.Equal(t, domain.CodeAppArchived, domain.CodeOf(err))
}
