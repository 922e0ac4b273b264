package apikey_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
)

func TestK1_IssuedOnceForOneWallet(t *testing.T) {
	t.Parallel()
	s := issued(t, apikey.Limits{})
	_, err := s.Issue(issue(apikey.Limits{}), start)
	requireCode(t, domain.CodeKeyExists, err)
	require.NoError(t, s.Use(walletID, "any/model", start))
	requireCode(t, domain.CodeKeyNotFound, s.Use(keyID, "any/model", start), "another wallet")
	requireCode(t, domain.CodeKeyNotFound, apikey.New().Use(uuid.Nil, "any/model", start), "not issued")
}

func TestK1_OnlyTheHashIsKept(t *testing.T) {
	t.Parallel()
	s := issued(t, apikey.Limits{})
	snapshot, err := json.Marshal(s)
	require.NoError(t, err)
	e, err := apikey.New().Issue(issue(apikey.Limits{}), start)
	require.NoError(t, err)
	body, err := domain.Encode(e)
	require.NoError(t, err)
	secret := secretOf('a')
	for _, stored := range [][]byte{snapshot, body} {
		require.NotContains(t, string(stored), secret)
		require.NotContains(t, string(stored), secret[len(secret)-64:])
		require.Contains(t, string(stored), apikey.HashSecret(secret).String())
	}
	c := issue(apikey.Limits{})
	c.Label = secret
	_, err = apikey.New().Issue(c, start)
	requireCode(t, domain.CodeInvalid, err, "a label that is the secret")
}

func TestK1_IssueRefusals(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*apikey.Issue){
		"no key id":              func(c *apikey.Issue) { c.KeyID = uuid.Nil },
		"no wallet":              func(c *apikey.Issue) { c.WalletID = uuid.Nil },
		"no hash":                func(c *apikey.Issue) { c.Hash = apikey.Hash{} },
		"no label":               func(c *apikey.Issue) { c.Label = "" },
		"label with a newline":   func(c *apikey.Issue) { c.Label = "sk\nmr" },
		"name of 101 bytes":      func(c *apikey.Issue) { c.Limits.Name = strings.Repeat("n", 101) },
		"name with a control":    func(c *apikey.Issue) { c.Limits.Name = "a\x00b" },
		"name with a C1 control": func(c *apikey.Issue) { c.Limits.Name = "a\u0085b" },
		"name of broken UTF-8":   func(c *apikey.Issue) { c.Limits.Name = "a\xff" },
		"model without author":   func(c *apikey.Issue) { c.Limits.Models = []string{"gpt-5"} },
		"model in upper case":    func(c *apikey.Issue) { c.Limits.Models = []string{"OpenAI/gpt-5"} },
		"model with a space":     func(c *apikey.Issue) { c.Limits.Models = []string{"openai/gpt 5"} },
		"model listed twice":     func(c *apikey.Issue) { c.Limits.Models = []string{"a/b", "c/d", "a/b"} },
		"201 models":             func(c *apikey.Issue) { c.Limits.Models = models(201) },
	} {
		c := issue(apikey.Limits{})
		change(&c)
		_, err := apikey.New().Issue(c, start)
		requireCode(t, domain.CodeInvalid, err, name)
	}
	c := issue(apikey.Limits{Name: strings.Repeat("n", 100), Models: models(200)})
	_, err := apikey.New().Issue(c, start)
	require.NoError(t, err)
}

func models(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("author/model-%d", i)
	}
	return out
}

func TestK1_Authenticate(t *testing.T) {
	t.Parallel()
	s := issued(t, apikey.Limits{})
	require.NoError(t, s.Authenticate(apikey.HashSecret(secretOf('a')), start))
	requireCode(t, domain.CodeKeyInvalid, s.Authenticate(apikey.HashSecret(secretOf('b')), start))
	requireCode(t, domain.CodeKeyInvalid, s.Authenticate(apikey.Hash{}, start), "no secret; the old hash is empty too")
	requireCode(t, domain.CodeKeyInvalid, apikey.New().Authenticate(apikey.Hash{}, start), "not issued")
}

func TestK2_UsableWhileNeitherRevokedDisabledNorExpired(t *testing.T) {
	t.Parallel()
	expiry := start.Add(time.Hour)
	for _, row := range []struct {
		name              string
		revoked, disabled bool
		now               time.Time
		code              domain.Code
	}{
		{"plain", false, false, start, ""},
		{"a moment before the expiry", false, false, expiry.Add(-time.Microsecond), ""},
		{"at the expiry", false, false, expiry, domain.CodeKeyExpired},
		{"disabled", false, true, start, domain.CodeKeyDisabled},
		{"revoked", true, false, start, domain.CodeKeyRevoked},
		{"everything", true, true, expiry, domain.CodeKeyRevoked},
	} {
		s := issued(t, apikey.Limits{ExpiresAt: expiry})
		if row.disabled {
			e, err := s.Disable(apikey.Disable{Reason: "leaked"})
			require.NoError(t, err)
			apply(t, s, e)
		}
		if row.revoked {
			e, err := s.Revoke(apikey.Revoke{})
			require.NoError(t, err)
			apply(t, s, e)
		}
		requireCode(t, row.code, s.Use(walletID, "any/model", row.now), row.name)
	}
	require.NoError(t, issued(t, apikey.Limits{}).Use(walletID, "any/model", start.AddDate(100, 0, 0)), "no expiry")
}

func TestK2_DisableAndEnable(t *testing.T) {
	t.Parallel()
	s := issued(t, apikey.Limits{})
	_, err := s.Enable()
	requireCode(t, domain.CodeConflict, err)
	e, err := s.Disable(apikey.Disable{Reason: "leaked"})
	require.NoError(t, err)
	apply(t, s, e)
	require.Equal(t, "leaked", s.DisabledReason)
	_, err = s.Disable(apikey.Disable{})
	requireCode(t, domain.CodeConflict, err)
	enabled, err := s.Enable()
	require.NoError(t, err)
	apply(t, s, enabled)
	require.NoError(t, s.Use(walletID, "any/model", start))
	require.Empty(t, s.DisabledReason)
	for _, reason := range []string{strings.Repeat("r", 201), "a\tb"} {
		_, err = s.Disable(apikey.Disable{Reason: reason})
		requireCode(t, domain.CodeInvalid, err)
		_, err = s.Revoke(apikey.Revoke{Reason: reason})
		requireCode(t, domain.CodeInvalid, err)
	}
}

func TestK3_RevocationIsFinal(t *testing.T) {
	t.Parallel()
	for name, code := range map[string]domain.Code{"revoked": domain.CodeKeyRevoked, "never issued": domain.CodeKeyNotFound} {
		s := apikey.New()
		if name == "revoked" {
			s = issued(t, apikey.Limits{})
			e, err := s.Revoke(apikey.Revoke{Reason: "employee left"})
			require.NoError(t, err)
			apply(t, s, e)
		}
		_, err := s.Update(apikey.Update{}, start)
		requireCode(t, code, err, name)
		_, err = s.Rotate(apikey.Rotate{Hash: apikey.HashSecret("x"), Label: "x"}, start)
		requireCode(t, code, err, name)
		_, err = s.Disable(apikey.Disable{})
		requireCode(t, code, err, name)
		_, err = s.Enable()
		requireCode(t, code, err, name)
		_, err = s.Revoke(apikey.Revoke{})
		requireCode(t, code, err, name)
		_, err = s.BindApp(apikey.BindApp{AppID: walletID})
		requireCode(t, code, err, name)
	}
}

func TestK4_CapsAndExpiryCanBeChanged(t *testing.T) {
	t.Parallel()
	s := issued(t, apikey.Limits{Name: "old", Caps: wallet.Caps{Total: amount("5")}, Models: []string{"a/b"}})
	later := start.Add(time.Hour).In(time.FixedZone("", 3600)).Add(999 * time.Nanosecond)
	e, err := s.Update(apikey.Update{Limits: apikey.Limits{Name: "new", Caps: wallet.Caps{Day: amount("1.50")}, ExpiresAt: later}}, start)
	require.NoError(t, err)
	apply(t, s, e)
	require.Equal(t, "new", s.Limits.Name)
	require.Equal(t, "1.5", s.Limits.Caps.Day.String())
	require.Nil(t, s.Limits.Caps.Total, "limits are replaced whole")
	require.Empty(t, s.Limits.Models)
	require.Equal(t, start.Add(time.Hour), s.Limits.ExpiresAt, "UTC, whole microseconds")

	after := start.Add(2 * time.Hour)
	renamed := s.Limits
	renamed.Name = "renamed"
	e, err = s.Update(apikey.Update{Limits: renamed}, after)
	require.NoError(t, err, "an expiry that stays may be past")
	apply(t, s, e)
	renamed.ExpiresAt = after.Add(-time.Minute)
	_, err = s.Update(apikey.Update{Limits: renamed}, after)
	requireCode(t, domain.CodeInvalid, err)
	renamed.ExpiresAt = time.Time{}
	e, err = s.Update(apikey.Update{Limits: renamed}, after)
	require.NoError(t, err)
	apply(t, s, e)
	require.NoError(t, s.Use(walletID, "any/model", after), "without an expiry the key works again")
}

func TestK4_Refusals(t *testing.T) {
	t.Parallel()
	tooMuch := money.MustParse("999999999999999999").Add(money.MustParse("1"))
	for _, row := range []struct {
		name   string
		limits apikey.Limits
		code   domain.Code
	}{
		{"negative cap", caps("-0.000000000001"), domain.CodeAmountInvalid},
		{"negative cap of a month", apikey.Limits{Caps: wallet.Caps{Day: amount("1"), Month: amount("-1")}}, domain.CodeAmountInvalid},
		{"cap out of range", apikey.Limits{Caps: wallet.Caps{Total: &tooMuch}}, domain.CodeAmountOutOfRange},
		{"cap of zero", caps("0"), ""},
		{"expiry now", apikey.Limits{ExpiresAt: start}, domain.CodeInvalid},
		{"expiry in the past", apikey.Limits{ExpiresAt: start.Add(-time.Second)}, domain.CodeInvalid},
		{"expiry soon", apikey.Limits{ExpiresAt: start.Add(time.Microsecond)}, ""},
		{"expiry less than a microsecond ahead", apikey.Limits{ExpiresAt: start.Add(time.Nanosecond)}, domain.CodeInvalid},
		{"expiry in the year 10000", apikey.Limits{ExpiresAt: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}, domain.CodeInvalid},
		{
			"expiry in the year 10000 by UTC",
			apikey.Limits{ExpiresAt: time.Date(9999, 12, 31, 23, 0, 0, 0, time.FixedZone("", -7200))},
			domain.CodeInvalid,
		},
	} {
		_, err := apikey.New().Issue(issue(row.limits), start)
		requireCode(t, row.code, err, row.name)
		_, err = issued(t, apikey.Limits{}).Update(apikey.Update{Limits: row.limits}, start)
		requireCode(t, row.code, err, row.name)
	}
}

func TestK4_EventsShareNothingWithTheCaller(t *testing.T) {
	t.Parallel()
	limits := apikey.Limits{Caps: wallet.Caps{Day: amount("1")}, Models: []string{"a/b"}}
	s := apikey.New()
	e, err := s.Issue(issue(limits), start)
	require.NoError(t, err)
	*limits.Caps.Day, limits.Models[0] = money.MustParse("1000"), "x/y"
	require.Equal(t, "1", e.Limits.Caps.Day.String())
	require.Equal(t, []string{"a/b"}, e.Limits.Models)
}

func TestK5_TheOldSecretWorksUntilTheGraceEnds(t *testing.T) {
	t.Parallel()
	a, b, c := apikey.HashSecret(secretOf('a')), apikey.HashSecret(secretOf('b')), apikey.HashSecret(secretOf('c'))
	s := issued(t, apikey.Limits{})
	e, err := s.Rotate(apikey.Rotate{Hash: b, Label: apikey.Label(secretOf('b')), Grace: time.Hour}, start)
	require.NoError(t, err)
	apply(t, s, e)
	require.Equal(t, apikey.Label(secretOf('b')), s.Label)
	require.NoError(t, s.Authenticate(b, start))
	require.NoError(t, s.Authenticate(a, start.Add(time.Hour-time.Microsecond)))
	requireCode(t, domain.CodeKeyInvalid, s.Authenticate(a, start.Add(time.Hour)))
	require.NoError(t, s.Authenticate(b, start.Add(time.Hour)))

	e, err = s.Rotate(apikey.Rotate{Hash: c, Label: "c", Grace: time.Hour}, start.Add(time.Minute))
	require.NoError(t, err)
	apply(t, s, e)
	requireCode(t, domain.CodeKeyInvalid, s.Authenticate(a, start.Add(time.Minute)), "never more than two")
	require.NoError(t, s.Authenticate(b, start.Add(time.Minute)))
	require.NoError(t, s.Authenticate(c, start.Add(time.Minute)))
}

func TestK5_RotateRefusals(t *testing.T) {
	t.Parallel()
	a, b := apikey.HashSecret(secretOf('a')), apikey.HashSecret(secretOf('b'))
	s := issued(t, apikey.Limits{})
	for _, row := range []struct {
		name   string
		rotate apikey.Rotate
		code   domain.Code
	}{
		{"no grace", apikey.Rotate{Hash: b, Label: "b"}, ""},
		{"longest grace", apikey.Rotate{Hash: b, Label: "b", Grace: apikey.MaxRotationGrace}, ""},
		{"too long a grace", apikey.Rotate{Hash: b, Label: "b", Grace: apikey.MaxRotationGrace + 1}, domain.CodeInvalid},
		{"negative grace", apikey.Rotate{Hash: b, Label: "b", Grace: -1}, domain.CodeInvalid},
		{"no hash", apikey.Rotate{Label: "b"}, domain.CodeInvalid},
		{"no label", apikey.Rotate{Hash: b}, domain.CodeInvalid},
		{"the same secret", apikey.Rotate{Hash: a, Label: "a"}, domain.CodeConflict},
	} {
		_, err := s.Rotate(row.rotate, start)
		requireCode(t, row.code, err, row.name)
	}
	e, err := s.Rotate(apikey.Rotate{Hash: b, Label: "b"}, start)
	require.NoError(t, err)
	apply(t, s, e)
	requireCode(t, domain.CodeKeyInvalid, s.Authenticate(a, start), "without a grace the old secret ends at once")
	_, err = s.Rotate(apikey.Rotate{Hash: a, Label: "a"}, start)
	requireCode(t, domain.CodeConflict, err, "back to the old secret")
}

func TestK6_AllowedModels(t *testing.T) {
	t.Parallel()
	s := issued(t, apikey.Limits{Models: []string{"openai/gpt-5", "acme/chat"}})
	require.NoError(t, s.Use(walletID, "openai/gpt-5", start))
	requireCode(t, domain.CodeModelNotAllowed, s.Use(walletID, "openai/gpt-5-mini", start))
	requireCode(t, domain.CodeModelNotAllowed, s.Use(walletID, "", start))
	require.NoError(t, issued(t, apikey.Limits{}).Use(walletID, "any/model", start), "an empty list allows all")
}

func TestK7_AtMostOneApp(t *testing.T) {
	t.Parallel()
	s := issued(t, apikey.Limits{})
	one, two := uuid.MustParse("019ced0e-2b3c-7d44-a5b6-8c9d0e1f2a04"), uuid.MustParse("019ced0e-2b3c-7d44-a5b6-8c9d0e1f2a05")
	_, err := s.BindApp(apikey.BindApp{})
	requireCode(t, domain.CodeConflict, err, "it has none")
	for _, id := range []uuid.UUID{one, two, uuid.Nil, one} {
		e, err := s.BindApp(apikey.BindApp{AppID: id})
		require.NoError(t, err)
		apply(t, s, e)
		require.Equal(t, id, s.AppID)
		_, err = s.BindApp(apikey.BindApp{AppID: id})
		requireCode(t, domain.CodeConflict, err)
	}
}

func TestK8_RateLimits(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		rates apikey.RateLimits
		code  domain.Code
	}{
		{apikey.RateLimits{}, ""},
		{apikey.RateLimits{RequestsPerMinute: 1, TokensPerMinute: 1, Parallel: 1}, ""},
		{apikey.RateLimits{RequestsPerMinute: apikey.MaxPerMinute, TokensPerMinute: apikey.MaxPerMinute, Parallel: apikey.MaxParallel}, ""},
		{apikey.RateLimits{RequestsPerMinute: -1}, domain.CodeInvalid},
		{apikey.RateLimits{TokensPerMinute: -1}, domain.CodeInvalid},
		{apikey.RateLimits{Parallel: -1}, domain.CodeInvalid},
		{apikey.RateLimits{RequestsPerMinute: apikey.MaxPerMinute + 1}, domain.CodeInvalid},
		{apikey.RateLimits{TokensPerMinute: apikey.MaxPerMinute + 1}, domain.CodeInvalid},
		{apikey.RateLimits{Parallel: apikey.MaxParallel + 1}, domain.CodeInvalid},
	} {
		_, err := apikey.New().Issue(issue(apikey.Limits{Rates: row.rates}), start)
		requireCode(t, row.code, err, row.rates)
		s := issued(t, apikey.Limits{})
		e, err := s.Update(apikey.Update{Limits: apikey.Limits{Rates: row.rates}}, start)
		requireCode(t, row.code, err, row.rates)
		if row.code == "" {
			apply(t, s, e)
			require.Equal(t, row.rates, s.Limits.Rates)
		}
	}
}
