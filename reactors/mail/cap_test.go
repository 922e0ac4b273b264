package mail_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/identity/account"
	"github.com/massrouter/massrouter/reactors/mail"
)

// postbox is what was sent.
type postbox struct {
	mu   sync.Mutex
	sent []mail.Message
}

func (p *postbox) Send(_ context.Context, m mail.Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent = append(p.sent, m)
	return nil
}

func (p *postbox) n() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.sent)
}

// invite notes a mail that tells of an invitation.
func (b *bench) invite(t *testing.T, email string) {
	t.Helper()
	_, err := b.pool.Exec(t.Context(), `INSERT INTO identity.mails (mail_id, recipient, kind, language, details, created_at, due_at) VALUES ($1, $2, $3, 'en', '{"organisation":"Acme"}', $4, $4)`,
		uuid.New(), email, account.Invited, b.now())
	require.NoError(t, err)
}

// TestAMailboxIsNotFlooded: whoever asks for mails to somebody, and however often, so many an hour are sent by all processes together. The others wait, not for ever and not
// all; what tells somebody of his account is not kept waiting by them.
func TestAMailboxIsNotFlooded(t *testing.T) {
	t.Parallel()
	b, box := setup(t), &postbox{}
	b.signUp(t, to, account.English)
	user := b.proved(t, to)
	_, err := b.pool.Exec(t.Context(), `DELETE FROM identity.mails`)
	require.NoError(t, err)
	for range 50 {
		require.NoError(t, b.accounts.Forgot(t.Context(), to))
		b.invite(t, to)
	}
	b.invite(t, "bob@example.com")
	for range 2 { // two processes
		b.run(t, box)
	}
	quiet := func(sent, waiting int) {
		t.Helper()
		require.Eventually(t, func() bool {
			return b.count(t, "sent_at IS NULL AND due_at <= '"+b.now().Format(time.RFC3339)+"'") == 0 && box.n() == sent
		}, patience, tick)
		require.Equal(t, waiting, b.count(t, "sent_at IS NULL"))
		require.Equal(t, sent, b.count(t, "sent_at IS NOT NULL"))
		require.Zero(t, b.count(t, "failed_at IS NOT NULL OR attempts > 1"), "to wait is no failure")
	}
	quiet(10+5+1, 10+10)
	tx, err := b.pool.Begin(t.Context())
	require.NoError(t, err)
	require.NoError(t, account.TellOnce(t.Context(), tx, user, account.PasswordChanged, nil, b.now()))
	require.NoError(t, tx.Commit(t.Context()))
	quiet(17, 20)
	b.step(59 * time.Minute)
	quiet(17, 20)
	b.step(2 * time.Minute)
	quiet(17+10+5, 5)
	require.NoError(t, b.accounts.Forgot(t.Context(), to))
	quiet(32, 6)
	b.step(time.Hour)
	quiet(38, 0)
}
