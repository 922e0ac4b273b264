package apikey_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
)

func TestK12_ALeakedSecretStopsItsKey(t *testing.T) {
	t.Parallel()
	a, b := apikey.HashSecret(secretOf('a')), apikey.HashSecret(secretOf('b'))
	for name, row := range map[string]struct {
		found    apikey.Hash
		disabled bool
		after    time.Duration // of the rotation, whose grace is an hour
		want     bool
	}{
		"the secret":                  {b, false, 0, true},
		"the old one, in its grace":   {a, false, time.Hour - 1, true},
		"the old one, after that":     {a, false, time.Hour, false},
		"another":                     {apikey.HashSecret(secretOf('c')), false, 0, false},
		"of a key that was disabled":  {b, true, 0, true},
		"no secret at all":            {apikey.Hash{}, false, 0, false},
		"another of a disabled key":   {apikey.Hash{}, true, 0, false},
		"the old one, of a disabled":  {a, true, time.Minute, true},
		"the old one, later, of such": {a, true, time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := issued(t, apikey.Limits{})
			rotated, err := s.Rotate(apikey.Rotate{Hash: b, Label: "b", Grace: time.Hour}, start)
			require.NoError(t, err)
			apply(t, s, rotated)
			if row.disabled {
				e, err := s.Disable(apikey.Disable{Reason: "holiday"})
				require.NoError(t, err)
				apply(t, s, e)
			}
			now := start.Add(row.after)
			events, err := s.ReportLeak(apikey.ReportLeak{Hash: row.found, Source: "github.com"}, now)
			require.NoError(t, err)
			if !row.want {
				require.Empty(t, events)
				return
			}
			require.Equal(t, []domain.Event{apikey.Disabled{KeyID: keyID, Reason: "its secret was found in public: github.com", Leaked: true}}, events)
			apply(t, s, events[0])
			requireCode(t, domain.CodeKeyDisabled, s.Use(walletID, "any/model", now))
			again, err := s.ReportLeak(apikey.ReportLeak{Hash: row.found}, now)
			require.NoError(t, err)
			require.Empty(t, again, "it is known")

			_, err = s.Enable()
			requireCode(t, domain.CodeConflict, err)
			no := false
			_, err = s.Change(apikey.Change{Disabled: &no}, now)
			requireCode(t, domain.CodeConflict, err)
			c := apikey.Rotate{Hash: apikey.HashSecret(secretOf('d')), Label: "d", Grace: time.Second}
			_, err = s.Rotate(c, now)
			requireCode(t, domain.CodeInvalid, err)
			c.Grace = 0
			e, err := s.Rotate(c, now)
			require.NoError(t, err)
			apply(t, s, e)
			enabled, err := s.Enable()
			require.NoError(t, err)
			apply(t, s, enabled)
			require.NoError(t, s.Use(walletID, "any/model", now))
			requireCode(t, domain.CodeKeyInvalid, s.Authenticate(row.found, now))
		})
	}
}

func TestK12_NothingToStop(t *testing.T) {
	t.Parallel()
	events, err := apikey.New().ReportLeak(apikey.ReportLeak{Hash: apikey.HashSecret(secretOf('a'))}, start)
	require.NoError(t, err)
	require.Empty(t, events)
	events, err = apikey.New().ReportLeak(apikey.ReportLeak{}, start)
	require.NoError(t, err)
	require.Empty(t, events)
	s := issued(t, apikey.Limits{})
	e, err := s.Revoke(apikey.Revoke{})
	require.NoError(t, err)
	apply(t, s, e)
	events, err = s.ReportLeak(apikey.ReportLeak{Hash: s.Hash}, start)
	require.NoError(t, err)
	require.Empty(t, events)
	for _, source := range []string{strings.Repeat("s", apikey.MaxSource+1), "a\tb", "\xff"} {
		_, err = s.ReportLeak(apikey.ReportLeak{Hash: s.Hash, Source: source}, start)
		requireCode(t, domain.CodeInvalid, err)
	}
}
