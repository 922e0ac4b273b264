package http_test

import (
	"encoding/json"
	nethttp "net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/access"
	tenants "github.com/massrouter/massrouter/identity/organisation"
)

// pages reads a list to its end, so many items at once.
func (b *bundle) pages(path string, limit int, who header) (items []json.RawMessage, first string) {
	b.t.Helper()
	for cursor, more := "", true; more; more = cursor != "" {
		page := b.get(path+"?limit="+strconv.Itoa(limit)+"&cursor="+cursor, who).is(nethttp.StatusOK)
		var some []json.RawMessage
		require.NoError(b.t, json.Unmarshal(page.at("items"), &some))
		require.LessOrEqual(b.t, len(some), limit)
		items, cursor = append(items, some...), page.text("next_cursor")
		if first == "" {
			first = cursor
		}
	}
	return items, first
}

// TestPeopleAreListedByPages: what the console lists of people, organisations, roles and approvals.
func TestPeopleAreListedByPages(t *testing.T) {
	t.Parallel()
	b := withPeople(t)
	one, two := b.staff("one", access.PlatformOwner), b.staff("two", access.PlatformOwner, access.PlatformSupport)
	ann, bob, eve := b.person("ann"), b.person("bob"), b.person("eve")
	found := map[string]string{}
	for name, who := range map[string]person{"ann": ann, "bob": bob} {
		b.get("/console/v1/organisations", who.header).is(200) // the own one
		found[name] = "/console/v1/organisations/" + b.post("/console/v1/organisations", map[string]any{"name": name}, who.header).is(201).text("id")
		b.join(found[name], who, eve, tenants.Viewer)
		b.join(found[name], who, b.person("more"), tenants.Viewer)
		for range 3 {
			b.post(found[name]+"/invitations", map[string]any{"email": b.person("open").email, "role": "viewer"}, who.header).is(201)
		}
		b.post(found[name]+"/invitations", map[string]any{"email": one.email, "role": "viewer"}, who.header).is(201)
	}
	for range 3 {
		b.post("/console/v1/grants", map[string]any{"email": eve.email, "role": "support", "reason": "r", "days": 1}, one.header).is(202)
	}
	for _, list := range []struct {
		path   string
		who    header
		rows   int
		others map[string]header // where its cursor is of no use
	}{
		{"/console/v1/organisations", ann.header, 2, map[string]header{"/console/v1/organisations": bob.header, found["ann"] + "/members": ann.header}},
		{found["ann"] + "/members", ann.header, 3, map[string]header{found["bob"] + "/members": bob.header, found["ann"] + "/invitations": ann.header}},
		{found["ann"] + "/invitations", ann.header, 4, map[string]header{found["bob"] + "/invitations": bob.header, "/console/v1/me/invitations": ann.header}},
		{"/console/v1/me/invitations", one.header, 2, map[string]header{"/console/v1/me/invitations": eve.header, found["bob"] + "/invitations": bob.header}},
		{"/console/v1/grants", one.header, 3, map[string]header{"/console/v1/grants?past=true": one.header, "/console/v1/approvals": one.header}},
		{"/console/v1/approvals", two.header, 3, map[string]header{"/console/v1/approvals?past=true": two.header, "/console/v1/grants": two.header}},
	} {
		whole, none := b.pages(list.path, 200, list.who)
		require.Len(t, whole, list.rows, list.path)
		require.Empty(t, none)
		split, cursor := b.pages(list.path, 1, list.who)
		require.Equal(t, whole, split, list.path)
		require.Equal(t, list.rows, b.get(list.path, list.who).is(200).count("items"), "unless said")
		for query, parameter := range map[string]string{
			"limit=0": "limit", "limit=201": "limit", "limit=-1": "limit", "limit=x": "limit", "cursor=x": "cursor", "cursor=" + cursor + "A": "cursor", "cursors=x": "cursors",
		} {
			refusal := b.get(list.path+"?"+query, list.who).refused(400, domain.CodeInvalid)
			require.Equal(t, parameter, refusal.text("details", "parameter"), list.path+query)
		}
		for other, who := range list.others {
			with := "?"
			if strings.Contains(other, with) {
				with = "&"
			}
			refusal := b.get(other+with+"cursor="+cursor, who).refused(400, domain.CodeInvalid)
			require.Equal(t, "cursor", refusal.text("details", "parameter"), other)
		}
	}
	_, theirs := b.pages(found["ann"]+"/members", 1, ann.header)
	b.get(found["ann"]+"/members?cursor="+theirs, bob.header).refused(404, domain.CodeNotFound) // nor is it a way in
	require.Equal(t, 2, b.get(found["ann"]+"/members?cursor="+theirs, eve.header).is(200).count("items"), "it is of the list, not of who asked")
}
