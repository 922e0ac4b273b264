package signin_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/address"
	"github.com/massrouter/massrouter/identity/factor"
	"github.com/massrouter/massrouter/identity/session"
	"github.com/massrouter/massrouter/identity/token"
)

// TestErasedMeanwhile: whoever goes while many of his browsers sign in, refresh, show factors and change them leaves nothing behind, and nobody fails but with an answer
// for callers: no deadlock, no broken reference.
func TestErasedMeanwhile(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const rounds, browsers = 12, 3
	for round := range rounds {
		at := address.Email(fmt.Sprintf("ann-%d@example.com", round))
		b.user = b.member(at)
		user := b.user
		in, err := b.Password(t.Context(), token.Portal, string(at), secret, laptop)
		require.NoError(t, err)
		_, codes := b.app()

		var running sync.WaitGroup
		begin := make(chan struct{})
		failed := make(chan error, 1000)
		race := func(do func(context.Context) error) {
			running.Go(func() {
				<-begin
				for range 4 {
					if err := do(context.Background()); err != nil && domain.CodeOf(err) == domain.CodeInternal {
						failed <- err
					}
				}
			})
		}
		for n := range browsers {
			race(func(ctx context.Context) error { // all the way in
				r, err := b.Password(ctx, token.Portal, string(at), secret, laptop)
				if err != nil || r.Challenge == nil {
					return err
				}
				_, err = b.Answer(ctx, r.Challenge.Secret, factor.Recovery, codes[n], laptop)
				return err
			})
			race(func(ctx context.Context) error {
				c, err := b.StepUp(ctx, *in.Session, laptop)
				if err != nil {
					return err
				}
				_, err = b.Answer(ctx, c.Secret, factor.Recovery, codes[browsers+n], laptop)
				return err
			})
			race(func(ctx context.Context) error {
				_, _, err := b.Refresh(ctx, in.Refresh, token.Portal, laptop)
				return err
			})
			race(func(ctx context.Context) error {
				_, err := b.External(ctx, token.Portal, user, session.Origin{Provider: "corp", Subject: "1"}, laptop)
				return err
			})
		}
		race(func(ctx context.Context) error {
			_, err := b.ConfirmExternal(ctx, user, in.Session.ID, laptop)
			return err
		})
		race(func(ctx context.Context) error { _, err := b.factors.RenewRecovery(ctx, user); return err })
		race(func(ctx context.Context) error { return b.factors.RemoveTOTP(ctx, user) })
		race(func(ctx context.Context) error {
			_, err := b.factors.BeginTOTP(ctx, user, string(at))
			return err
		})
		race(func(ctx context.Context) error { return b.accounts.TellStolen(ctx, user, "a browser") })
		running.Go(func() {
			<-begin
			if err := b.accounts.Erase(context.Background(), user); err != nil {
				failed <- err
			}
		})
		close(begin)
		running.Wait()
		close(failed)
		for err := range failed {
			require.NoError(t, err)
		}
		b.requireNothingOf(user)
	}
}

// requireNothingOf looks into every table of people.
func (b *bench) requireNothingOf(user uuid.UUID) {
	b.t.Helper()
	rows, err := b.pool.Query(b.t.Context(), `SELECT table_name FROM information_schema.columns WHERE table_schema = 'identity' AND column_name = 'user_id'`)
	require.NoError(b.t, err)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(b.t, err)
	require.Greater(b.t, len(tables), 10)
	for _, table := range tables {
		var n int
		require.NoError(b.t, b.pool.QueryRow(b.t.Context(), `SELECT count(*) FROM identity.`+pgx.Identifier{table}.Sanitize()+` WHERE user_id = $1`, user).Scan(&n))
		require.Zero(b.t, n, table)
	}
}
