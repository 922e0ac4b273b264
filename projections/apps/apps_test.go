package apps_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/app"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/projections/apps"
	pt "github.com/massrouter/massrouter/projections/projectiontest"
)

var w1, a1 = pt.ID(1), pt.ID(31)

func registered(id uuid.UUID) app.Registered {
	return app.Registered{
		AppID: id, WalletID: w1, Owner: "org-1", Details: app.Details{Name: "Notes", URL: "https://notes.example", Description: "d"},
	}
}

func TestEventsBecomeApps(t *testing.T) {
	t.Parallel()
	other := app.Details{Name: "N", URL: "https://n.example", Hidden: true}
	for _, row := range []struct {
		name   string
		events []app.Event
		want   func(*apps.App)
	}{
		{"registered", nil, func(*apps.App) {}},
		{"updated", []app.Event{app.Updated{AppID: a1, Details: other}}, func(a *apps.App) { a.Details = other }},
		{"archived", []app.Event{app.Archived{AppID: a1, Reason: "gone"}}, func(a *apps.App) { a.Archived, a.ArchivedReason = true, "gone" }},
		{"updated, then archived without a reason", []app.Event{app.Updated{AppID: a1, Details: other}, app.Archived{AppID: a1}}, func(a *apps.App) {
			a.Details, a.Archived = other, true
		}},
	} {
		for _, together := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, in one batch: %t", row.name, together), func(t *testing.T) {
				t.Parallel()
				k := pt.New(t, pgtest.New(t))
				start := k.Now
				k.Append(t.Context(), t, pt.App(a1, registered(a1)))
				if !together {
					k.ToEnd(t.Context(), t, 0, apps.Projection{})
				}
				for _, e := range row.events {
					k.Now = k.Now.Add(time.Second)
					k.Append(t.Context(), t, pt.App(a1, e))
				}
				k.Twice(t.Context(), t, apps.Projection{})
				r := registered(a1)
				want := apps.App{ID: a1, WalletID: w1, Owner: r.Owner, Details: r.Details, RegisteredAt: start, UpdatedAt: k.Now}
				row.want(&want)
				got, err := apps.NewQuery(k.Pool).App(t.Context(), a1, int64(1+len(row.events)))
				require.NoError(t, err)
				require.Equal(t, int64(1+len(row.events)), got.Position)
				want.LastPosition, want.At = got.Position, got.At
				require.Equal(t, want, got)
			})
		}
	}
}

func TestAppsArePagedByWallet(t *testing.T) {
	t.Parallel()
	k := pt.New(t, pgtest.New(t))
	var newest []uuid.UUID
	for n := range uint64(5) {
		k.Append(t.Context(), t, pt.App(pt.ID(n+1), registered(pt.ID(n+1))))
		newest = append([]uuid.UUID{pt.ID(n + 1)}, newest...)
	}
	k.ToEnd(t.Context(), t, 2, apps.Projection{})
	q := apps.NewQuery(k.Pool)
	for limit := 1; limit <= 6; limit++ {
		var got []uuid.UUID
		cursor := ""
		for first := true; first || cursor != ""; first = false {
			p, err := q.ByWallet(t.Context(), w1, apps.Request{Limit: limit, Cursor: cursor})
			require.NoError(t, err)
			for _, a := range p.Apps {
				got = append(got, a.ID)
				require.Equal(t, p.At, a.At)
			}
			cursor = p.NextCursor
		}
		require.Equal(t, newest, got)
	}
	p, err := q.ByWallet(t.Context(), pt.ID(77), apps.Request{})
	require.NoError(t, err)
	require.Empty(t, p.Apps)
	_, err = q.App(t.Context(), pt.ID(77), 0)
	require.Equal(t, domain.CodeAppNotFound, domain.CodeOf(err))
	for name, r := range map[string]apps.Request{"limit": {Limit: 1001}, "cursor": {Cursor: "..."}} {
		_, err := q.ByWallet(t.Context(), w1, r)
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), name)
	}
}
