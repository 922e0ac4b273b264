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

// quiet waits until nothing is due, so many were sent, and so many wait.
func (b *bench) quiet(t *testing.T, sent, waiting int) {
	t.Helper()
	require.Eventually(t, func() bool {
		var due, s, w int
		err := b.pool.QueryRow(t.Context(), `SELECT count(*) FILTER (WHERE sent_at IS NULL AND due_at <= $1), count(*) FILTER (WHERE sent_at IS NOT NULL), count(*) FILTER (WHERE sent_at IS NULL)
			FROM identity.mails`, b.now()).Scan(&due, &s, &w)
		return err == nil && due == 0 && s == sent && w == waiting
	}, patience, tick)
	require.Zero(t, b.count(t, "failed_at IS NOT NULL OR attempts > 1"), "to wait is no failure")
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
		b.quiet(t, sent, waiting)
		require.Equal(t, sent, box.n())
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

// TestStrangersKeepNobodyFromSigningUp: however many strangers ask for an account at a mailbox, before and after its owner, what they have sent to it delays the owner's mail
// for as long as those before it take, and takes nothing away: it is of the owner's sign-up only, and none of theirs would do.
func TestStrangersKeepNobodyFromSigningUp(t *testing.T) {
	t.Parallel()
	b, box := setup(t), &postbox{}
	for range 2 { // two processes
		b.run(t, box)
	}
	strangers := func(n int) {
		for range n {
			b.signUp(t, to, account.English)
		}
	}
	const owners = "language = 'zh-CN' AND sent_at IS NOT NULL"
	strangers(15)
	b.quiet(t, 10, 5)
	b.step(time.Minute)
	b.signUp(t, to, account.Chinese)
	b.quiet(t, 10, 6)
	b.step(time.Minute)
	strangers(100)
	b.quiet(t, 10, 106)
	require.Zero(t, b.count(t, owners))
	b.step(time.Hour)
	b.quiet(t, 20, 96)
	require.Equal(t, 1, b.count(t, owners), "those who came later do not overtake it")
	b.signUp(t, to, account.Chinese) // in a queue of ten hours
	for n := range 9 {
		b.step(time.Hour + time.Second)
		b.quiet(t, 30+10*n, 87-10*n)
	}
	require.Equal(t, 1, b.count(t, owners))
	b.step(time.Hour + time.Second)
	b.quiet(t, 117, 0)
	require.Equal(t, 2, b.count(t, owners))
}

// TestMailsThatWaitAreBounded: whoever asks for how many, those that wait are sent within a day, and never more than ten an hour. Of more than those some go by lot.
func TestMailsThatWaitAreBounded(t *testing.T) {
	t.Parallel()
	b, box := setup(t), &postbox{}
	for range 300 {
		b.signUp(t, to, account.English)
	}
	b.run(t, box)
	b.quiet(t, 10, 240)
	require.Equal(t, 10, box.n())
	var hours, most int
	var last time.Duration
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT count(*), max(n), max(let_at) - $1 FROM (SELECT let_at, count(*) AS n FROM identity.mails GROUP BY let_at) AS hour`, b.now()).
		Scan(&hours, &most, &last))
	require.Equal(t, 25, hours)
	require.Equal(t, 10, most)
	require.Equal(t, 24*time.Hour, last)
}
