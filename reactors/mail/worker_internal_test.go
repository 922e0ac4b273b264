package mail

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/identity/account"
	"github.com/massrouter/massrouter/internal/pgtest"
)

// counter is how often a mail went to the server.
type counter struct{ n int }

func (c *counter) Send(context.Context, Message) error {
	c.n++
	return nil
}

// TestEveryWorkerDies: a mail at which processes die, after they took it and before they noted what came of it, is tried no more often than one that a server refuses.
func TestEveryWorkerDies(t *testing.T) {
	t.Parallel()
	for deaths, want := range map[int]string{Attempts - 1: "sent", Attempts: "failed"} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			pool, at := pgtest.New(t), time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
			_, err := pool.Exec(t.Context(), `INSERT INTO identity.mails (mail_id, recipient, kind, language, details, created_at, due_at) VALUES ($1, 'ann@example.com', $2, 'en', '{}', $3, $3)`,
				uuid.New(), account.PasswordChanged, at)
			require.NoError(t, err)
			writer, err := NewWriter("https://portal.example.com")
			require.NoError(t, err)
			var outcomes []string
			server := &counter{}
			w := NewWorker(pool, nil, writer, server, Options{Now: func() time.Time { return at }, OnEnd: func(_ account.Kind, outcome string) { outcomes = append(outcomes, outcome) }})
			for range deaths {
				taken, err := w.take(t.Context())
				require.NoError(t, err)
				require.Len(t, taken, 1)
				at = at.Add(lease)
			}
			taken, err := w.take(t.Context())
			require.NoError(t, err)
			require.Len(t, taken, 1)
			require.NoError(t, w.send(t.Context(), taken[0]))
			require.Equal(t, []string{want}, outcomes)
			require.Equal(t, want == "sent", server.n == 1)
			failed, err := ListFailed(t.Context(), pool, 10)
			require.NoError(t, err)
			require.Equal(t, want == "failed", len(failed) == 1)
			at = at.Add(48 * time.Hour)
			taken, err = w.take(t.Context())
			require.NoError(t, err)
			require.Empty(t, taken)
		})
	}
}
