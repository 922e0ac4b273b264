package webhook_test

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/reactors/webhook"
)

func TestADeliveryIsReplayedWithItsID(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.open()
	server := receive(t, nil)
	w := b.register(server.URL)
	server.knows(w.Secret)
	b.topUp("1")
	b.follow()
	b.work()
	until(t, func() bool { return b.states(w.ID)["delivered"] == 1 })
	b.clock.Step(time.Hour)
	first := b.deliveries(w.ID)[0]
	q := request()
	d, replayed, err := b.registry.Redeliver(t.Context(), q, w.ID, first.ID)
	require.NoError(t, err)
	require.False(t, replayed)
	require.Equal(t, "operator:test", d.ReplayedBy)
	require.Equal(t, b.clock.Now().Add(webhook.GiveUpAfter), d.GiveUpAt)
	until(t, func() bool { return len(server.got()) == 2 && b.states(w.ID)["delivered"] == 1 })
	_, replayed, err = b.registry.Redeliver(t.Context(), q, w.ID, first.ID)
	require.NoError(t, err)
	require.True(t, replayed)
	b.settled()
	require.Equal(t, map[string]int{first.ID.String(): 2}, server.ids())
	require.Equal(t, server.got()[0].body, server.got()[1].body)
	shown, err := b.registry.Delivery(t.Context(), w.ID, first.ID)
	require.NoError(t, err)
	require.Len(t, shown.Tried, 2)
	other := b.register("https://receiver.example")
	_, _, err = b.registry.Redeliver(t.Context(), request(), other.ID, first.ID)
	require.Equal(t, domain.CodeNotFound, domain.CodeOf(err), "a delivery is its own webhook's only")
}

func TestARangeIsReplayed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.open()
	var broken atomic.Bool
	server := receive(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
		if broken.Load() {
			w.WriteHeader(http.StatusGone)
		}
	})
	w := b.register(server.URL, only(webhook.TypeCreditCreated))
	b.work()
	b.topUp("1") // delivered
	b.clock.Step(time.Hour)
	b.follow()
	until(t, func() bool { return b.states(w.ID)["delivered"] == 1 })
	broken.Store(true)
	b.topUp("2") // refused, which disables the webhook
	b.follow()
	until(t, func() bool { return b.webhook(w.ID).Disabled })
	b.topUp("3") // never made
	b.clock.Step(time.Hour)
	b.follow()
	broken.Store(false)
	b.registryUpdate(w.ID, webhook.Settings{URL: server.URL, EventTypes: []webhook.Type{webhook.TypeCreditCreated}})

	before := len(server.got())
	q := request()
	shown, replayed, err := b.registry.ReplayRange(t.Context(), q, w.ID, webhook.RangeRequest{SinceTime: b.clock.Now().Add(-48 * time.Hour)})
	require.NoError(t, err)
	require.False(t, replayed)
	require.NotNil(t, shown.Replay)
	require.Zero(t, shown.Replay.FinishedAt)
	_, _, err = b.registry.ReplayRange(t.Context(), request(), w.ID, webhook.RangeRequest{SincePosition: &w.FromPosition})
	require.Equal(t, domain.CodeConflict, domain.CodeOf(err), "one at a time")
	_, replayed, err = b.registry.ReplayRange(t.Context(), q, w.ID, webhook.RangeRequest{SinceTime: b.clock.Now().Add(-48 * time.Hour)})
	require.NoError(t, err)
	require.True(t, replayed)
	require.NoError(t, b.follower.Tick(t.Context()))
	until(t, func() bool { return b.states(w.ID)["delivered"] == 4 })
	done := b.webhook(w.ID).Replay
	require.Equal(t, b.head(), done.Position)
	require.Equal(t, b.clock.Now(), done.FinishedAt)
	require.Equal(t, int64(3), done.Armed, "the one from before the webhook, the one that failed, and the one that was missed")
	require.Len(t, server.got(), before+3)

	_, _, err = b.registry.ReplayRange(t.Context(), request(), w.ID, webhook.RangeRequest{SincePosition: &w.FromPosition, IncludeDelivered: true})
	require.NoError(t, err)
	require.NoError(t, b.follower.Tick(t.Context()))
	until(t, func() bool { return len(server.got()) == before+6 && b.states(w.ID)["delivered"] == 4 })
	require.Len(t, server.ids(), 4)
}

func TestWhereAReplayMayBegin(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.open()
	w := b.register("https://receiver.example")
	b.clock.Step(31 * 24 * time.Hour)
	b.topUp("1")
	at := func(n int64) *int64 { return &n }
	for name, row := range map[string]struct {
		want  webhook.RangeRequest
		field string
	}{
		"nothing":            {webhook.RangeRequest{}, "since_time"},
		"both":               {webhook.RangeRequest{SincePosition: at(2), SinceTime: b.clock.Now()}, "since_time"},
		"negative":           {webhook.RangeRequest{SincePosition: at(-1)}, "since_position"},
		"beyond the end":     {webhook.RangeRequest{SincePosition: at(b.head() + 1)}, "since_position"},
		"too old a position": {webhook.RangeRequest{SincePosition: at(0)}, "since_position"},
		"too old a time":     {webhook.RangeRequest{SinceTime: b.clock.Now().Add(-webhook.DefaultRetention - time.Second)}, "since_time"},
		"the future":         {webhook.RangeRequest{SinceTime: b.clock.Now().Add(time.Second)}, "since_time"},
	} {
		_, _, err := b.registry.ReplayRange(t.Context(), request(), w.ID, row.want)
		require.Equal(t, row.field, field(t, err), name)
	}
	got, _, err := b.registry.ReplayRange(t.Context(), request(), w.ID, webhook.RangeRequest{SinceTime: b.clock.Now()})
	require.NoError(t, err)
	require.Equal(t, b.head()-1, got.Replay.Since, "an event of that very moment is in it: "+strconv.FormatInt(b.head(), 10))
	require.Equal(t, b.head(), got.Replay.Until)
}
