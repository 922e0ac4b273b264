package app_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/app"
)

var (
	appID    = uuid.MustParse("019ced0e-2b3c-7d44-a5b6-8c9d0e1f2a04")
	walletID = uuid.MustParse("019ced0c-3f2a-7c1e-9a41-5b1f5c1b7a01")
)

func details() app.Details {
	return app.Details{Name: "Notes", URL: "https://notes.example/start", Description: "Takes notes."}
}

func register(d app.Details) app.Register {
	return app.Register{AppID: appID, WalletID: walletID, Owner: "org-71", Details: d}
}

// apply folds an event as it comes back from the log, and the state as it comes back from a snapshot.
func apply(t *testing.T, s *app.State, e app.Event) {
	t.Helper()
	registry, err := domain.NewRegistry(app.Events())
	require.NoError(t, err)
	body, err := domain.Encode(e)
	require.NoError(t, err)
	read, err := registry.Decode(e.EventType(), body)
	require.NoError(t, err)
	require.Equal(t, domain.Event(e), read)
	s.Apply(read, time.Time{})
	snapshot, err := json.Marshal(s)
	require.NoError(t, err)
	again := app.New()
	require.NoError(t, json.Unmarshal(snapshot, again))
	require.Equal(t, s, again)
	require.NoError(t, s.Check())
}

func registered(t *testing.T) *app.State {
	t.Helper()
	s := app.New()
	e, err := s.Register(register(details()))
	require.NoError(t, err)
	apply(t, s, e)
	return s
}

func requireCode(t *testing.T, code domain.Code, err error, msg ...any) {
	t.Helper()
	require.Equal(t, code, domain.CodeOf(err), msg...)
}

func TestA1_RegisteredOnceForOneWallet(t *testing.T) {
	t.Parallel()
	s := registered(t)
	require.Equal(t, &app.State{ID: appID, Registered: true, WalletID: walletID, Owner: "org-71", Details: details()}, s)
	_, err := s.Register(register(details()))
	requireCode(t, domain.CodeAppExists, err)
	for name, change := range map[string]func(*app.Register){
		"no id":                       func(c *app.Register) { c.AppID = uuid.Nil },
		"no wallet":                   func(c *app.Register) { c.WalletID = uuid.Nil },
		"no name":                     func(c *app.Register) { c.Details.Name = "" },
		"name of 101 bytes":           func(c *app.Register) { c.Details.Name = strings.Repeat("n", 101) },
		"name with a line break":      func(c *app.Register) { c.Details.Name = "a\nb" },
		"name with space around":      func(c *app.Register) { c.Details.Name = " a" },
		"name of broken UTF-8":        func(c *app.Register) { c.Details.Name = "a\xff" },
		"description of 1001 bytes":   func(c *app.Register) { c.Details.Description = strings.Repeat("d", 1001) },
		"description with a NUL":      func(c *app.Register) { c.Details.Description = "\x00" },
		"no url":                      func(c *app.Register) { c.Details.URL = "" },
		"url with a control in a tab": func(c *app.Register) { c.Details.URL = "https://a.example/\t" },
	} {
		c := register(details())
		change(&c)
		_, err := app.New().Register(c)
		requireCode(t, domain.CodeInvalid, err, name)
	}
}

func TestA2_AddressIsPublicHTTPS(t *testing.T) {
	t.Parallel()
	for url, fine := range map[string]bool{
		"https://notes.example":                                  true,
		"https://notes.example/":                                 true,
		"https://a.b-c.notes.example/x/y%20z":                    true,
		"https://xn--bcher-kva.example":                          true,
		"https://1.example":                                      true,
		"http://notes.example":                                   false,
		"HTTPS://notes.example":                                  false,
		"ftp://notes.example":                                    false,
		"javascript:alert(1)":                                    false,
		"//notes.example":                                        false,
		"https:notes.example":                                    false,
		"https://":                                               false,
		"https:///x":                                             false,
		"https://user@notes.example":                             false,
		"https://user:pass@notes.example":                        false,
		"https://notes.example:443":                              false,
		"https://notes.example:":                                 false,
		"https://notes.example?x":                                false,
		"https://notes.example/?":                                false,
		"https://notes.example/#a":                               false,
		"https://notes.example\\@evil.example":                   false,
		"https://Notes.example":                                  false,
		"https://bücher.example":                                 false,
		"https://notes":                                          false,
		"https://localhost":                                      false,
		"https://a.localhost":                                    false,
		"https://metadata.internal":                              false,
		"https://127.0.0.1":                                      false,
		"https://1.2":                                            false,
		"https://[::1]":                                          false,
		"https://-a.example":                                     false,
		"https://a-.example":                                     false,
		"https://a..example":                                     false,
		"https://a.example.":                                     false,
		"https://a_b.example":                                    false,
		"https://a.example/%zz":                                  false,
		"https://a.example/ b":                                   false,
		"https://" + strings.Repeat("a", 63) + ".example":        true,
		"https://" + strings.Repeat("a", 64) + ".example":        false,
		"https://a.example/" + strings.Repeat("b", 200-18):       true,
		"https://a.example/" + strings.Repeat("b", 200-18+1):     false,
		"https://" + strings.Repeat("aaa.", 63) + "example/long": false,
	} {
		d := details()
		d.URL = url
		_, err := app.New().Register(register(d))
		require.Equal(t, fine, err == nil, "%s: %v", url, err)
		if !fine {
			requireCode(t, domain.CodeInvalid, err, url)
		}
		_, err = registered(t).Update(app.Update{Details: d})
		require.Equal(t, fine, err == nil, "%s: %v", url, err)
	}
	require.False(t, app.PublicHost(strings.Repeat("aaa.", 64)+"example"))
}

func TestA3_DetailsAreReplacedWhole(t *testing.T) {
	t.Parallel()
	s := registered(t)
	_, err := s.Update(app.Update{Details: details()})
	requireCode(t, domain.CodeConflict, err)
	other := app.Details{Name: "Notes 2", URL: "https://notes2.example", Hidden: true}
	e, err := s.Update(app.Update{Details: other})
	require.NoError(t, err)
	apply(t, s, e)
	require.Equal(t, other, s.Details)
	_, err = app.New().Update(app.Update{Details: other})
	requireCode(t, domain.CodeAppNotFound, err)
}

func TestA4_AnArchivedAppChangesNoMore(t *testing.T) {
	t.Parallel()
	s := registered(t)
	_, err := s.Archive(app.Archive{Reason: strings.Repeat("r", 201)})
	requireCode(t, domain.CodeInvalid, err)
	e, err := s.Archive(app.Archive{Reason: "shut down"})
	require.NoError(t, err)
	apply(t, s, e)
	_, err = s.Archive(app.Archive{})
	requireCode(t, domain.CodeAppArchived, err)
	_, err = s.Update(app.Update{Details: app.Details{Name: "x", URL: "https://x.example"}})
	requireCode(t, domain.CodeAppArchived, err)
	requireCode(t, domain.CodeAppArchived, s.Binds(walletID))
	_, err = app.New().Archive(app.Archive{})
	requireCode(t, domain.CodeAppNotFound, err)
}

func TestA5_OnlyKeysOfItsOwnWallet(t *testing.T) {
	t.Parallel()
	s := registered(t)
	require.NoError(t, s.Binds(walletID))
	requireCode(t, domain.CodeAppNotFound, s.Binds(appID), "another wallet")
	requireCode(t, domain.CodeAppNotFound, app.New().Binds(uuid.Nil), "not registered")
}
