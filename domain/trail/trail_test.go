package trail_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain/trail"
)

// TestBodyIsFrozen: stored entries are read with these names for ever.
func TestBodyIsFrozen(t *testing.T) {
	t.Parallel()
	id := uuid.MustParse("019ced10-4d5e-7f66-87d8-0e1f2a3b4c06")
	e, err := trail.Make(trail.Who{
		Actor: "user:a", Role: "owner", Person: id, Session: id, Wallet: id, Organisation: id, Operation: "TopUpWallet", Target: "wallet:w", Request: id, Reason: "why",
		Address: "192.0.2.1", UserAgent: "curl",
	}, trail.Change{
		Code: "c", Command: id, Position: 7, Events: []string{"wallet.topped_up.v1"}, Before: map[string]string{"x": "1"}, After: map[string]string{"x": "2"},
		Personal: map[string]string{"name": "Ann"},
	})
	require.NoError(t, err)
	require.JSONEq(t, `{"actor":"user:a","role":"owner","person":"019ced10-4d5e-7f66-87d8-0e1f2a3b4c06","action":"TopUpWallet","target":"wallet:w","result":"done",
		"code":"c","reason":"why","wallet_id":"019ced10-4d5e-7f66-87d8-0e1f2a3b4c06","organisation_id":"019ced10-4d5e-7f66-87d8-0e1f2a3b4c06",
		"session_id":"019ced10-4d5e-7f66-87d8-0e1f2a3b4c06","request_id":"019ced10-4d5e-7f66-87d8-0e1f2a3b4c06","command_id":"019ced10-4d5e-7f66-87d8-0e1f2a3b4c06",
		"position":"7","events":["wallet.topped_up.v1"],"before":{"x":"1"},"after":{"x":"2"}}`, string(e.Body))
	require.JSONEq(t, `{"address":"192.0.2.1","user_agent":"curl","values":{"name":"Ann"}}`, string(e.Personal))

	e, err = trail.Make(trail.Who{}, trail.Change{})
	require.NoError(t, err)
	require.JSONEq(t, `{"actor":"anonymous","action":"unnamed","result":"done"}`, string(e.Body))
	require.Empty(t, e.Personal)
}

// TestChangeSaysMoreThanItsRequest: what a change says itself wins.
func TestChangeSaysMoreThanItsRequest(t *testing.T) {
	t.Parallel()
	mine, theirs := uuid.New(), uuid.New()
	e, err := trail.Make(trail.Who{Actor: "a", Operation: "o", Target: "t", Reason: "r", Person: mine, Wallet: mine},
		trail.Change{Actor: "b", Action: "p", Target: "u", Reason: "s", Person: theirs, Wallet: theirs, Result: trail.Refused})
	require.NoError(t, err)
	var b trail.Body
	require.NoError(t, json.Unmarshal(e.Body, &b))
	require.Equal(t, trail.Body{Actor: "b", Action: "p", Target: "u", Reason: "s", Person: theirs, Wallet: theirs, Result: trail.Refused}, b)
}

// TestAnActorIsAPerson: what is personal of an entry goes with who acts, unless it says whose it is.
func TestAnActorIsAPerson(t *testing.T) {
	t.Parallel()
	mine, theirs := uuid.New(), uuid.New()
	for actor, want := range map[string]uuid.UUID{
		trail.Of("user", mine): mine, "user:a": uuid.Nil, trail.Of("key", mine): uuid.Nil, "operator:token": uuid.Nil, "": uuid.Nil,
	} {
		var b trail.Body
		e, err := trail.Make(trail.Who{Actor: actor}, trail.Change{})
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(e.Body, &b))
		require.Equal(t, want, b.Person, actor)
		e, err = trail.Make(trail.Who{Actor: actor}, trail.Change{Person: theirs})
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(e.Body, &b))
		require.Equal(t, theirs, b.Person, actor)
	}
}

func TestRedact(t *testing.T) {
	t.Parallel()
	secret := "sk-mr-v1-0123456789abcdefghij" //nolint:gosec // nobody's
	for in, want := range map[string]string{  //nolint:gosec // as well
		`{"password":"x","Password_Hash":[1],"new-secret":{"a":1},"accessToken":"t","recovery_codes":["a"],"email":"a@b","E-Mail":"a@b"}`: `{"password":"[redacted]",
			"Password_Hash":"[redacted]","new-secret":"[redacted]","accessToken":"[redacted]","recovery_codes":"[redacted]","email":"[redacted]","E-Mail":"[redacted]"}`,
		`{"hash":null,"amount":1.10,"big":123456789012345678901234567890}`: `{"hash":null,"amount":1.10,"big":123456789012345678901234567890}`,
		`["` + secret + `","see ` + secret + `, and ` + secret + `!"]`:     `["[redacted]","see [redacted], and [redacted]!"]`,
		`{"` + secret + `":1}`:                    `{"[redacted]":1}`,
		`"sk-short and whsec_x are only words"`:   `"sk-short and whsec_x are only words"`,
		`"Bearer abcdefghijklmnop.qrstuv"`:        `"[redacted]"`,
		`{"deep":[[{"role":"admin","otp":"1"}]]}`: `{"deep":[[{"role":"admin","otp":"[redacted]"}]]}`,
	} {
		got, err := trail.Redact([]byte(in))
		require.NoError(t, err)
		require.JSONEq(t, want, string(got), in)
	}
	_, err := trail.Redact([]byte(`{`))
	require.Error(t, err)
}

// TestNoSecretIsShown puts one of our secrets anywhere.
func TestNoSecretIsShown(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.StringMatching(`[A-Za-z0-9_-]{20,60}`).Draw(t, "body")
		secret := rapid.SampledFrom([]string{"sk-mr-v1-", "whsec_"}).Draw(t, "prefix") + body
		text := rapid.StringMatching(`[ -,:-@]{0,9}`).Draw(t, "before") + " " + secret + " " + rapid.String().Draw(t, "after")
		e, err := trail.Make(trail.Who{Reason: text}, trail.Change{Before: map[string]any{"x": []any{text}}, After: map[string]any{text: 1}})
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(e.Body), body) || !utf8.Valid(e.Body) || !json.Valid(e.Body) {
			t.Fatalf("%q", e.Body)
		}
	})
}

func TestScope(t *testing.T) {
	t.Parallel()
	var none *trail.Scope
	none.Learn(func(*trail.Who) { t.Error("nobody is there to learn") })
	none.Note(trail.Done)
	none.Fail("x")
	require.False(t, none.Noted(trail.Done))
	require.Empty(t, none.Code())
	require.Equal(t, trail.Who{}, none.Who())
	require.Nil(t, trail.From(context.Background()))

	s := trail.NewScope(trail.Who{Actor: "a"})
	require.Same(t, s, trail.From(trail.With(t.Context(), s)))
	s.Learn(func(w *trail.Who) { w.Role = "owner" })
	s.Fail("forbidden")
	require.Equal(t, trail.Who{Actor: "a", Role: "owner"}, s.Who())
	require.Equal(t, "forbidden", s.Code())
	s.Note("")
	require.True(t, s.Noted(trail.Done))
	require.True(t, s.Noted(trail.Unchanged))
	require.False(t, s.Noted(trail.Failed), "a change that was noted may have been undone: the refusal is told as well")
	s.Note(trail.Refused)
	require.True(t, s.Noted(trail.Failed))
}

// TestAStrangerHasNoReason: what somebody says who has not shown who he is would stand in an entry about somebody else, for ever.
func TestAStrangerHasNoReason(t *testing.T) {
	t.Parallel()
	for who, want := range map[trail.Who]string{{Reason: "why"}: "", {Actor: "user:a", Reason: "why"}: "why"} {
		e, err := trail.Make(who, trail.Change{Target: "user:a"})
		require.NoError(t, err)
		var b trail.Body
		require.NoError(t, json.Unmarshal(e.Body, &b))
		require.Equal(t, want, b.Reason)
	}
	e, err := trail.Make(trail.Who{}, trail.Change{Reason: "the program's"})
	require.NoError(t, err)
	require.Contains(t, string(e.Body), "the program's")
}
