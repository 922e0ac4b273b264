package program_test

import (
	"context"
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/program"
	"github.com/massrouter/massrouter/domain/trail"
	"github.com/massrouter/massrouter/identity/auditlog"
	"github.com/massrouter/massrouter/internal/pgtest"
)

// TestWorkForgetsStrangersInTime: what is older than the setting says, and nothing else; the trail verifies before and after.
func TestWorkForgetsStrangersInTime(t *testing.T) {
	t.Parallel()
	cfg := config.Default()
	cfg.HTTP.OpsListen, cfg.Trail.AuditRetention = "127.0.0.1:0", 48*time.Hour
	cfg.Store.DatabaseURL = config.NewSecret(pgtest.URL(t))
	cfg.Gateway.JournalDir = filepath.Join(t.TempDir(), "journal")
	pool := connect(t, cfg.Store.DatabaseURL.Reveal())
	somebody := uuid.New()
	for _, e := range []struct {
		address, actor string
		person         uuid.UUID
		age            time.Duration
	}{
		{"192.0.2.1", "anonymous", uuid.Nil, 49 * time.Hour},
		{"192.0.2.2", "anonymous", uuid.Nil, 47 * time.Hour},
		{"192.0.2.3", trail.Of("user", somebody), somebody, 1000 * time.Hour},
		{"192.0.2.4", "anonymous", somebody, 49 * time.Hour}, // who has tried the account of somebody
	} {
		body, err := json.Marshal(trail.Body{Actor: e.actor, Person: e.person, Action: "SignIn", Result: trail.Refused})
		require.NoError(t, err)
		_, err = pool.Exec(t.Context(), `INSERT INTO audit.entries (recorded_at, body, personal, salt, personal_hash)
			SELECT now() - $1::interval, $2::json, p, s, sha256(s || convert_to(p, 'UTF8')) FROM (SELECT $3::text AS p, uuid_send(gen_random_uuid()) AS s) n`,
			e.age, string(body), `{"address":"`+e.address+`"}`)
		require.NoError(t, err)
	}
	p, err := program.Open(t.Context(), program.Options{Config: cfg, Work: true, Log: zerolog.Nop()})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	log := auditlog.New(pool)
	shown := func() map[string]bool {
		page, err := log.List(ctx, auditlog.Filter{Action: "SignIn", Result: trail.Refused}, "", 0)
		if err != nil {
			return nil
		}
		addresses := map[string]bool{}
		for _, e := range page.Entries {
			if e.Personal != nil {
				addresses[e.Personal.Address] = e.Sequence > 0
			}
		}
		return addresses
	}
	require.Eventually(t, func() bool {
		now := shown()
		return len(now) == 2 && now["192.0.2.2"] && now["192.0.2.3"]
	}, time.Minute, 20*time.Millisecond)
	summary, err := auditlog.Verify(t.Context(), pool, nil, func(f auditlog.Finding) { t.Errorf("%s: %s", f.Code, f.Message) })
	require.NoError(t, err)
	require.EqualValues(t, 2, summary.Erased)
}
