package apikey_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
)

func TestK9_AManagementKeyCallsNothing(t *testing.T) {
	t.Parallel()
	c := issue(apikey.Limits{Name: "terraform", ExpiresAt: start.Add(time.Hour)})
	c.Scope = apikey.Management
	s := apikey.New()
	e, err := s.Issue(c, start)
	require.NoError(t, err)
	apply(t, s, e)
	require.Equal(t, apikey.Management, s.Scope)
	requireCode(t, domain.CodeForbidden, s.Use(walletID, "acme/chat", start))
	requireCode(t, domain.CodeKeyNotFound, s.Use(uuid.New(), "acme/chat", start))
	require.NoError(t, issued(t, apikey.Limits{}).Use(walletID, "acme/chat", start))
	for name, limits := range map[string]apikey.Limits{
		"caps": caps("1"), "models": {Models: []string{"acme/chat"}}, "rates": {Rates: apikey.RateLimits{Parallel: 1}},
	} {
		c.Limits = limits
		_, err := apikey.New().Issue(c, start)
		requireCode(t, domain.CodeInvalid, err, name)
		_, err = s.Update(apikey.Update{Limits: limits}, start)
		requireCode(t, domain.CodeInvalid, err, name)
	}
	c.Limits, c.Scope = apikey.Limits{}, "admin"
	_, err = apikey.New().Issue(c, start)
	requireCode(t, domain.CodeInvalid, err)
	for _, change := range []domain.Event{
		apikey.Updated{KeyID: keyID, Limits: apikey.Limits{Name: "n"}},
		apikey.Rotated{KeyID: keyID, Hash: apikey.HashSecret("x"), Label: "x"},
		apikey.Disabled{KeyID: keyID},
		apikey.Enabled{KeyID: keyID},
		apikey.Revoked{KeyID: keyID},
	} {
		apply(t, s, change)
		require.Equal(t, apikey.Management, s.Scope, "a scope is for ever")
	}
}

func TestK4_AChangeLeavesTheRestAsItIs(t *testing.T) {
	t.Parallel()
	name, yes, no := "fresh", true, false
	weekly, ever := apikey.Weekly, apikey.Ever
	many := wallet.Caps{Day: amount("1"), Total: amount("9")}
	for title, row := range map[string]struct {
		caps   wallet.Caps
		change apikey.Change
		want   wallet.Caps
		events []string
		code   domain.Code
	}{
		"nothing":                    {wallet.Caps{Day: amount("1")}, apikey.Change{}, wallet.Caps{Day: amount("1")}, nil, ""},
		"what is so already":         {wallet.Caps{Day: amount("1")}, apikey.Change{Amount: amount("1.0"), Disabled: &no}, wallet.Caps{Day: amount("1")}, nil, ""},
		"a name":                     {many, apikey.Change{Name: &name}, many, []string{"apikey.updated.v1"}, ""},
		"disabled":                   {many, apikey.Change{Disabled: &yes}, many, []string{"apikey.disabled.v1"}, ""},
		"both":                       {many, apikey.Change{Disabled: &yes, Name: &name}, many, []string{"apikey.updated.v1", "apikey.disabled.v1"}, ""},
		"an amount keeps the window": {wallet.Caps{Day: amount("1")}, apikey.Change{Amount: amount("2")}, wallet.Caps{Day: amount("2")}, []string{"apikey.updated.v1"}, ""},
		"a window keeps the amount":  {wallet.Caps{Day: amount("1")}, apikey.Change{Window: &weekly}, wallet.Caps{Week: amount("1")}, []string{"apikey.updated.v1"}, ""},
		"no window":                  {wallet.Caps{Month: amount("1")}, apikey.Change{Window: &ever}, wallet.Caps{Total: amount("1")}, []string{"apikey.updated.v1"}, ""},
		"a first cap":                {wallet.Caps{}, apikey.Change{Amount: amount("3")}, wallet.Caps{Total: amount("3")}, []string{"apikey.updated.v1"}, ""},
		"no caps":                    {many, apikey.Change{Uncapped: true}, wallet.Caps{}, []string{"apikey.updated.v1"}, ""},
		"several become one":         {many, apikey.Change{Amount: amount("2"), Window: &weekly}, wallet.Caps{Week: amount("2")}, []string{"apikey.updated.v1"}, ""},
		"an amount of several":       {many, apikey.Change{Amount: amount("2")}, many, nil, domain.CodeConflict},
		"a window of several":        {many, apikey.Change{Window: &weekly}, many, nil, domain.CodeConflict},
		"a window of none":           {wallet.Caps{}, apikey.Change{Window: &weekly}, wallet.Caps{}, nil, domain.CodeInvalid},
		"no window of none":          {wallet.Caps{}, apikey.Change{Window: &ever}, wallet.Caps{}, nil, ""},
		"no caps with a window":      {many, apikey.Change{Uncapped: true, Window: &weekly}, many, nil, domain.CodeInvalid},
		"no caps with an amount":     {many, apikey.Change{Uncapped: true, Amount: amount("1")}, many, nil, domain.CodeInvalid},
		"a negative amount":          {wallet.Caps{}, apikey.Change{Amount: amount("-1")}, wallet.Caps{}, nil, domain.CodeAmountInvalid},
	} {
		s := issued(t, apikey.Limits{Name: "old", Caps: row.caps, Models: []string{"acme/chat"}, Rates: apikey.RateLimits{Parallel: 3}})
		events, err := s.Change(row.change, start)
		requireCode(t, row.code, err, title)
		var names []string
		for _, e := range events {
			names = append(names, e.EventType())
			apply(t, s, e)
		}
		require.Equal(t, row.events, names, title)
		require.Equal(t, row.want, s.Limits.Caps, title)
		require.Equal(t, []string{"acme/chat"}, s.Limits.Models, title)
		require.Equal(t, int64(3), s.Limits.Rates.Parallel, title)
	}
	bad := apikey.Window("hourly")
	_, err := issued(t, apikey.Limits{}).Change(apikey.Change{Amount: amount("1"), Window: &bad}, start)
	requireCode(t, domain.CodeInvalid, err)
}

func TestK2_AChangeEnables(t *testing.T) {
	t.Parallel()
	s, yes, no := issued(t, apikey.Limits{}), true, false
	for _, row := range []struct {
		disabled *bool
		want     []domain.Event
	}{
		{&no, nil}, {&yes, []domain.Event{apikey.Disabled{KeyID: keyID}}}, {&yes, nil}, {&no, []domain.Event{apikey.Enabled{KeyID: keyID}}},
	} {
		events, err := s.Change(apikey.Change{Disabled: row.disabled}, start)
		require.NoError(t, err)
		require.Equal(t, row.want, events)
		for _, e := range events {
			apply(t, s, e)
		}
	}
	apply(t, s, apikey.Revoked{KeyID: keyID})
	_, err := s.Change(apikey.Change{Disabled: &yes}, start)
	requireCode(t, domain.CodeKeyRevoked, err)
	_, err = apikey.New().Change(apikey.Change{}, start)
	requireCode(t, domain.CodeKeyNotFound, err)
}

// TestK4_AChangeTwiceIsAChangeOnce: whatever is changed, the same change again finds everything so already.
func TestK4_AChangeTwiceIsAChangeOnce(t *testing.T) {
	t.Parallel()
	maybe := func(r *rapid.T, label string) *money.Amount {
		if rapid.Bool().Draw(r, label+" given") {
			return amount(rapid.SampledFrom([]string{"0", "0.01", "7", "100.5"}).Draw(r, label))
		}
		return nil
	}
	rapid.Check(t, func(r *rapid.T) {
		s := apikey.New()
		e, err := s.Issue(issue(apikey.Limits{Caps: wallet.Caps{
			Day: maybe(r, "day"), Week: maybe(r, "week"), Month: maybe(r, "month"), Total: maybe(r, "total"),
		}}), start)
		require.NoError(r, err)
		s.Apply(e, start)
		window := rapid.SampledFrom([]apikey.Window{apikey.Ever, apikey.Daily, apikey.Weekly, apikey.Monthly}).Draw(r, "window")
		disabled := rapid.Bool().Draw(r, "disabled")
		c := apikey.Change{Amount: maybe(r, "amount"), Disabled: &disabled}
		if rapid.Bool().Draw(r, "window given") {
			c.Window = &window
		}
		events, err := s.Change(c, start)
		if err != nil {
			return
		}
		for _, e := range events {
			s.Apply(e, start)
		}
		again, err := s.Change(c, start)
		require.NoError(r, err)
		require.Empty(r, again)
		require.Equal(r, disabled, s.Disabled)
	})
}
