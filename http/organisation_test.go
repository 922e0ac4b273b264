package http_test

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	tenants "github.com/massrouter/massrouter/identity/organisation"
)

// opener opens wallets of organisations, as the service's wiring does.
type opener struct{ app *commands.App }

func (o opener) Open(ctx context.Context, wallet uuid.UUID, actor string) error {
	_, _, err := o.app.OpenWallet(ctx, commands.Meta{CommandID: domain.DeriveID(wallet, "open"), Actor: actor},
		commands.OpenWallet{WalletID: wallet, Owner: actor, Currency: money.USD})
	return err
}

// person is somebody with an account and a mailbox that was proved.
type person struct {
	header
	id    uuid.UUID
	email string
}

func (b *bundle) person(name string) person {
	b.t.Helper()
	id := uuid.New()
	email := name + "-" + id.String()[:8] + "@example.com"
	_, err := b.pool.Exec(b.t.Context(), `INSERT INTO identity.users (user_id, email, email_verified_at, name, language, zone, created_at) VALUES ($1, $2, now(), $3, 'en', 'UTC', now())`,
		id, email, name)
	require.NoError(b.t, err)
	return person{header{"X-User", id.String()}, id, email}
}

// join invites somebody and lets him accept.
func (b *bundle) join(organisation string, owner, who person, role tenants.Role) {
	b.t.Helper()
	made := b.post(organisation+"/invitations", map[string]any{"email": who.email, "role": role}, owner.header).is(201)
	b.post("/console/v1/me/invitations/"+made.text("id")+"/accept", nil, who.header).is(200)
}

func (b *bundle) mails(to string) (n int) {
	b.t.Helper()
	require.NoError(b.t, b.pool.QueryRow(b.t.Context(), `SELECT count(*) FROM identity.mails WHERE recipient = $1 AND kind = 'invited'`, to).Scan(&n))
	return n
}

// organisations walks an organisation through its life.
func (b *bundle) organisations() {
	t := b.t
	t.Helper()
	ann, bob, eve := b.person("ann"), b.person("bob"), b.person("eve")

	own := b.get("/console/v1/organisations", ann.header).is(200)
	require.Equal(t, 1, own.count("items"))
	require.Equal(t, "true", string(own.at("items", 0, "personal")))
	b.get("/console/v1/wallets/"+own.text("items", 0, "wallet_id")+"?min_position="+count(b.position()), ann.header).is(200)
	b.get("/console/v1/wallets/"+own.text("items", 0, "wallet_id"), bob.header).refused(404, domain.CodeNotFound)

	made := b.post("/console/v1/organisations", map[string]any{"name": " Acme  Labs "}, ann.header, idempotent("acme")).is(201)
	require.Equal(t, "Acme Labs", made.text("name"))
	require.Equal(t, made.text("id"), b.post("/console/v1/organisations", map[string]any{"name": "Acme"}, ann.header, idempotent("acme")).is(201).text("id"))
	require.NotEqual(t, made.text("id"), b.post("/console/v1/organisations", map[string]any{"name": "Acme"}, bob.header, idempotent("acme")).is(201).text("id"))
	b.post("/console/v1/organisations", map[string]any{"name": ""}, ann.header).refused(400, domain.CodeInvalid)
	b.post("/console/v1/organisations", map[string]any{"name": "x"}).refused(403, domain.CodeForbidden)
	path, wallet := "/console/v1/organisations/"+made.text("id"), "/console/v1/wallets/"+made.text("wallet_id")
	require.Equal(t, "owner", b.get(path, ann.header).is(200).text("role"))
	b.get(path).is(200) // the operator sees all
	b.get(path, bob.header).refused(404, domain.CodeNotFound)
	require.Equal(t, "Acme", b.send("PATCH", path, map[string]any{"name": "Acme"}, ann.header).is(200).text("name"))

	b.invitations(path, ann, bob, eve)
	require.Equal(t, 2, b.get(path+"/members", bob.header).is(200).count("items"))
	b.get(wallet+"?min_position="+count(b.position()), bob.header).is(200)
	b.post(wallet+"/keys", map[string]any{"name": "k"}, bob.header).refused(403, domain.CodeForbidden)
	member := path + "/members/" + bob.id.String()
	b.send("PUT", member, map[string]any{"role": "admin"}, bob.header).refused(403, domain.CodeForbidden)
	b.send("PUT", member, map[string]any{"role": "king"}, ann.header).refused(400, domain.CodeInvalid)
	b.send("PUT", member, map[string]any{"role": "admin"}).refused(403, domain.CodeForbidden) // no member
	b.send("PUT", member, map[string]any{"role": "admin"}, ann.header).is(204)
	b.post(wallet+"/keys", map[string]any{"name": "k", "member_id": bob.id}, bob.header).is(201)
	b.send("PUT", wallet+"/members/"+bob.id.String()+"/limits", map[string]any{"caps": map[string]string{"day": "1"}}, ann.header).is(200)
	b.send("DELETE", path, nil, bob.header).refused(403, domain.CodeForbidden)
	b.post(path+"/leave", nil, ann.header).refused(409, tenants.CodeLastOwner)
	b.send("PUT", path+"/owner", map[string]any{"member_id": eve.id}, ann.header).refused(404, domain.CodeNotFound)
	b.send("PUT", path+"/owner", map[string]any{"member_id": bob.id}, ann.header).is(204)
	require.Equal(t, "admin", b.get(path, ann.header).is(200).text("role"))
	b.join(path, bob, eve, tenants.Viewer)
	b.send("DELETE", path+"/members/"+eve.id.String(), nil, ann.header).is(204)
	b.get(path, eve.header).refused(404, domain.CodeNotFound)
	b.post(path+"/leave", nil, ann.header).is(204)
	b.post("/console/v1/organisations", map[string]any{"name": " Acme  Labs "}, ann.header, idempotent("acme"))
	b.get(path, ann.header).refused(404, domain.CodeNotFound) // whoever has left does not come back by sending again what made it
	b.ending(path, wallet, bob)
}

// invitations has one that is withdrawn, one that is refused, and one that is accepted.
func (b *bundle) invitations(path string, ann, bob, eve person) {
	t := b.t
	t.Helper()
	ask := func(to person, role string) answer {
		return b.post(path+"/invitations", map[string]any{"email": to.email, "role": role}, ann.header)
	}
	ask(bob, "owner").refused(400, domain.CodeInvalid)
	twice := map[string]any{"email": eve.email, "role": "viewer"}
	once := b.post(path+"/invitations", twice, ann.header, idempotent("invite")).is(201).text("id")
	require.Equal(t, once, b.post(path+"/invitations", twice, ann.header, idempotent("invite")).is(201).text("id"))
	b.post(path+"/invitations", map[string]any{"email": bob.email, "role": "viewer"}, ann.header, idempotent("invite")).refused(409, domain.CodeIdempotencyConflict)
	b.post(path+"/invitations", map[string]any{"email": eve.email, "role": "admin"}, ann.header, idempotent("invite")).refused(409, domain.CodeIdempotencyConflict)
	require.Equal(t, once, b.get(path+"/invitations", ann.header).is(200).text("items", 0, "id"))
	b.send("DELETE", path+"/invitations/"+once, nil, ann.header).is(204)
	b.post(path+"/invitations", map[string]any{"email": "no mailbox", "role": "viewer"}, ann.header).is(400)
	ask(bob, "viewer").is(201)
	second := ask(bob, "finance").is(201)
	require.Equal(t, 2, b.mails(bob.email))
	open := b.get(path+"/invitations", ann.header).is(200)
	require.Equal(t, 1, open.count("items"), "the second took the place of the first")
	mine := b.get("/console/v1/me/invitations", bob.header).is(200)
	require.Equal(t, "finance", mine.text("items", 0, "role"))
	require.Zero(t, b.get("/console/v1/me/invitations", eve.header).is(200).count("items"))
	at := "/console/v1/me/invitations/" + second.text("id")
	b.post(at+"/accept", nil, eve.header).refused(404, domain.CodeNotFound)
	b.post(at+"/decline", nil, eve.header).refused(404, domain.CodeNotFound)
	_, err := b.pool.Exec(t.Context(), `UPDATE identity.users SET email_verified_at = NULL WHERE user_id = $1`, bob.id)
	require.NoError(t, err)
	b.post(at+"/accept", nil, bob.header).refused(404, domain.CodeNotFound)
	require.Zero(t, b.get("/console/v1/me/invitations", bob.header).is(200).count("items"))
	_, err = b.pool.Exec(t.Context(), `UPDATE identity.users SET email_verified_at = now() WHERE user_id = $1`, bob.id)
	require.NoError(t, err)
	require.Equal(t, "finance", b.post(at+"/accept", nil, bob.header).is(200).text("role"))
	b.send("DELETE", path+"/invitations/"+second.text("id"), nil, ann.header).refused(404, domain.CodeNotFound)
	refused := ask(eve, "viewer").is(201)
	b.post("/console/v1/me/invitations/"+refused.text("id")+"/decline", nil, eve.header).is(204)
	withdrawn := ask(eve, "viewer").is(201)
	b.send("DELETE", path+"/invitations/"+withdrawn.text("id"), nil, ann.header).is(204)
	require.Zero(t, b.get(path+"/invitations", ann.header).is(200).count("items"))
}

// ending ends an organisation: not while it has money, and its keys end with it.
func (b *bundle) ending(path, wallet string, owner person) {
	t := b.t
	t.Helper()
	issued := b.post(wallet+"/keys", map[string]any{"name": "last"}, owner.header).is(201)
	b.post(wallet+"/top-ups", credit("2"), idempotent("fund-"+wallet)).is(200)
	b.send("DELETE", path, nil, owner.header).refused(409, domain.CodeConflict)
	require.Equal(t, "active", b.get("/console/v1/keys/"+issued.text("key_id")+issued.after(), owner.header).is(200).text("key", "state"))
	b.post(wallet+"/adjustments", credit("-2"), idempotent("empty-"+wallet)).is(200)
	b.send("DELETE", path, nil, owner.header, idempotent("end")).is(204)
	b.get(path, owner.header).refused(404, domain.CodeNotFound)
	b.get(wallet, owner.header).refused(404, domain.CodeNotFound)
	require.Equal(t, "revoked", b.get("/console/v1/keys/"+issued.text("key_id")+"?min_position="+count(b.position())).is(200).text("key", "state"))
	own := b.get("/console/v1/organisations", owner.header).is(200)
	b.send("DELETE", "/console/v1/organisations/"+own.text("items", 0, "id"), nil, owner.header).refused(409, domain.CodeConflict)
}

func TestOrganisationsOverHTTP(t *testing.T) {
	t.Parallel()
	withPeople(t).organisations()
}
