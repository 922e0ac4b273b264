package mail_test

import (
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/eventstore/memory"
	"github.com/massrouter/massrouter/identity/account"
	"github.com/massrouter/massrouter/internal/ledgertest"
	"github.com/massrouter/massrouter/reactors/mail"
)

// TestALeakIsTold to who may manage the key and is there, once, however many follow and however often it is reported.
func TestALeakIsTold(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	clock := ledgertest.NewClock()
	log := memory.New(memory.Options{Clock: clock.Now})
	ledger := ledgertest.New(t, log, clock)
	wallet, key, org, gone := uuid.New(), uuid.New(), uuid.New(), uuid.New()
	users := map[string]uuid.UUID{}
	for _, name := range []string{"owner", "admin", "issuer", "developer", "finance"} {
		language := account.English
		if name == "admin" {
			language = account.Chinese
		}
		b.signUp(t, name+"@example.com", language)
		users[name] = b.proved(t, name+"@example.com")
	}
	_, err := b.pool.Exec(ctx, `DELETE FROM identity.mails`)
	require.NoError(t, err)
	_, err = b.pool.Exec(ctx, `INSERT INTO identity.organisations (organisation_id, wallet_id, name, created_at) VALUES ($1, $2, 'Acme', now())`, org, wallet)
	require.NoError(t, err)
	for name, role := range map[string]string{"owner": "owner", "admin": "admin", "issuer": "developer", "developer": "developer", "finance": "finance"} {
		_, err := b.pool.Exec(ctx, `INSERT INTO identity.members (organisation_id, user_id, role, joined_at) VALUES ($1, $2, $3, now())`, org, users[name], role)
		require.NoError(t, err)
	}
	meta := func(actor string) commands.Meta {
		id := uuid.New()
		return commands.Meta{CommandID: id, Actor: actor, CorrelationID: id, CausationID: id}
	}
	_, _, err = ledger.App.OpenWallet(ctx, meta("operator:test"), commands.OpenWallet{WalletID: wallet, Owner: "org", Currency: money.USD})
	require.NoError(t, err)
	issue := func(id uuid.UUID, by string) string {
		secret := apikey.Secret(id, [32]byte{1})
		_, _, err := ledger.App.IssueKey(ctx, meta(by), commands.IssueKey{KeyID: id, WalletID: wallet, Hash: apikey.HashSecret(secret), Label: apikey.Label(secret), Limits: apikey.Limits{Name: "k"}})
		require.NoError(t, err)
		return secret
	}
	leak := func(id uuid.UUID, secret string) {
		_, _, err := ledger.App.ReportLeak(ctx, meta("system:leak_report"), commands.ReportLeak{KeyID: id, Hash: apikey.HashSecret(secret), Source: "github.com"})
		require.NoError(t, err)
	}
	secret, other := issue(key, "user:"+users["issuer"].String()), issue(gone, "user:"+uuid.NewString())
	leak(key, secret)
	leak(key, secret)
	var running sync.WaitGroup
	failed := make(chan error, 3)
	for range 3 {
		running.Go(func() {
			for range 5 {
				if _, _, err := mail.NewFollower(log, b.pool, clock.Now).Step(ctx); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	running.Wait()
	close(failed)
	for err := range failed {
		require.NoError(t, err)
	}
	require.Equal(t, 3, b.count(t, "true"))
	require.Equal(t, 1, b.count(t, "recipient = 'admin@example.com' AND language = 'zh-CN' AND kind = 'key_leaked'"))
	require.Equal(t, 1, b.count(t, "recipient = 'issuer@example.com' AND details ->> 'organisation' = 'Acme' AND details ->> 'source' = 'github.com'"))
	require.Equal(t, 1, b.count(t, "recipient = 'owner@example.com' AND details ->> 'key' <> ''"))

	leak(gone, other)
	_, moved, err := mail.NewFollower(log, b.pool, clock.Now).Step(ctx)
	require.NoError(t, err)
	require.True(t, moved)
	require.Equal(t, 5, b.count(t, "true"), "who has issued it belongs to it no more")
}
