package apikey_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
)

var (
	start    = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	keyID    = uuid.MustParse("018f3a5e-0000-7000-8000-000000000001")
	walletID = uuid.MustParse("018f3a5e-0000-7000-8000-000000000002")
)

func secretOf(fill byte) string {
	return apikey.Secret(keyID, [32]byte(bytes.Repeat([]byte{fill}, 32)))
}

func issue(limits apikey.Limits) apikey.Issue {
	secret := secretOf('a')
	return apikey.Issue{
		KeyID: keyID, WalletID: walletID, Hash: apikey.HashSecret(secret), Label: apikey.Label(secret), Limits: limits,
	}
}

// issued is a key with limits, at start.
func issued(t *testing.T, limits apikey.Limits) *apikey.State {
	t.Helper()
	s := apikey.New()
	e, err := s.Issue(issue(limits), start)
	require.NoError(t, err)
	apply(t, s, e)
	return s
}

// apply folds an event as a reader of the log does: from its stored bytes.
func apply(t *testing.T, s *apikey.State, e domain.Event) {
	t.Helper()
	registry, err := domain.NewRegistry(apikey.Events())
	require.NoError(t, err)
	body, err := domain.Encode(e)
	require.NoError(t, err)
	decoded, err := registry.Decode(e.EventType(), body)
	require.NoError(t, err)
	s.Apply(decoded, start)
	require.NoError(t, s.Check())

	live := apikey.New()
	snapshot, err := json.Marshal(s)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(snapshot, live))
	require.Equal(t, s, live)
}

func amount(s string) *money.Amount {
	a := money.MustParse(s)
	return &a
}

func caps(day string) apikey.Limits { return apikey.Limits{Caps: wallet.Caps{Day: amount(day)}} }

func requireCode(t *testing.T, code domain.Code, err error, msg ...any) {
	t.Helper()
	require.Equal(t, code, domain.CodeOf(err), msg...)
}
