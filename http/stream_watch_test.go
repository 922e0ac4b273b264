package http_test

import (
	"bufio"
	nethttp "net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// listening is a stream of somebody who is signed in.
func (b *bundle) listening(who somebody, query string) *events {
	b.t.Helper()
	r, err := nethttp.NewRequestWithContext(b.t.Context(), nethttp.MethodGet, b.url+streamPath+query, nil)
	require.NoError(b.t, err)
	r.Header.Set(who.header.name, who.header.value)
	res, err := nethttp.DefaultTransport.RoundTrip(r)
	require.NoError(b.t, err)
	require.Equal(b.t, 200, res.StatusCode)
	s := &events{b: b, res: res, lines: bufio.NewScanner(res.Body)}
	b.t.Cleanup(s.close)
	s.next("reset")
	return s
}

// ends says that the stream has a last event, and nothing after it.
func (s *events) ends(reason string) {
	s.b.t.Helper()
	e := s.next("end")
	require.Equal(s.b.t, reason, e.data["reason"])
	require.Empty(s.b.t, e.id, "who comes back goes on from the event before")
	_, err := s.read()
	require.Error(s.b.t, err)
}

// TestAStreamEndsWithTheRightToIt: with the membership, with the organisation, with the session, and with the person; those of others go on.
func TestAStreamEndsWithTheRightToIt(t *testing.T) {
	t.Parallel()
	plain := setup(t)
	b, who := plain.withAccounts()
	ann, guest := b.signedIn(who, "ann@portal.example"), b.signedIn(who, "guest@portal.example")
	wallet := b.post("/console/v1/organisations", map[string]any{"name": "Acme"}, ann.header).is(201).text("wallet_id")
	join := func() {
		_, err := b.pool.Exec(t.Context(), `INSERT INTO identity.members SELECT organisation_id, $2, 'viewer', now() FROM identity.organisations WHERE wallet_id = $1`, wallet, guest.id)
		require.NoError(t, err)
	}
	query := "wallet_id=" + wallet
	b.get("/console/v1/wallets/" + wallet + "?min_position=" + count(b.position())).is(200) // the read model knows it
	join()
	kept, theirs, operator := b.listening(ann, query), b.listening(guest, query), b.open(query, "")
	_, err := b.pool.Exec(t.Context(), `DELETE FROM identity.members WHERE user_id = $1 AND role = 'viewer'`, guest.id)
	require.NoError(t, err)
	theirs.ends("forbidden")

	join()
	theirs = b.listening(guest, query)
	b.post(authPath+"sign-out-everywhere", nil, guest.header).is(200)
	theirs.ends("unauthenticated")

	operator.next("reset")
	position := b.grant("/console/v1/wallets/" + wallet)
	kept.until("balance", position)
	operator.until("balance", position)
	again := b.signedInAgain(ann)
	theirs = b.listening(again, query)
	_, err = b.pool.Exec(t.Context(), `DELETE FROM identity.sessions WHERE session_id = $1`, uuid.MustParse(again.session))
	require.NoError(t, err)
	theirs.ends("unauthenticated")
	require.NoError(t, who.Erase(t.Context(), guest.id))
	_, err = b.pool.Exec(t.Context(), `UPDATE identity.organisations SET deleted_at = now() WHERE wallet_id = $1`, wallet)
	require.NoError(t, err)
	kept.ends("forbidden")
}

// signedInAgain is another session of somebody.
func (b *bundle) signedInAgain(s somebody) somebody {
	b.t.Helper()
	in := b.post(authPath+"sign-in", map[string]any{"email": "ann@portal.example", "password": annWord, "delivery": "body"}, header{"Authorization", ""}).is(200)
	return somebody{s.id, bearer(in.text("access_token")), in.text("session", "session_id")}
}
