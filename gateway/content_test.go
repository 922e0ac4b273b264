package gateway_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/content"
	"github.com/massrouter/massrouter/gateway/exchange"
	"github.com/massrouter/massrouter/gateway/gatewaytest"
	"github.com/massrouter/massrouter/gateway/seal/envelope"
	"github.com/massrouter/massrouter/internal/pgtest"
)

// storing is a kit whose gateway stores contents in a database.
type storing struct {
	*gatewaytest.Kit
	t     *testing.T
	store *content.Store
	w     *content.Writer
}

func newStoring(t *testing.T) *storing {
	t.Helper()
	text, err := envelope.NewKeyset()
	require.NoError(t, err)
	keys, err := envelope.Open(text, nil)
	require.NoError(t, err)
	s := &storing{t: t, store: content.New(pgtest.New(t), keys)}
	s.w = content.NewWriter(s.store, content.WriterOptions{Flush: time.Minute, Logger: zerolog.Nop()})
	s.Kit = gatewaytest.New(t, hasty, func(o *gateway.Options) { o.Contents = s.w })
	return s
}

// run makes a call of a customer who wants its content stored.
func (s *storing) run(ctx context.Context, in exchange.Incoming, c *gatewaytest.Client) error {
	call := s.Call("")
	call.Incoming, call.Retention = in, time.Hour
	return s.Gateway.Complete(ctx, call, c)
}

// stored is what the call that a client has made left behind.
func (s *storing) stored(c *gatewaytest.Client) content.Content {
	s.t.Helper()
	ended, cancel := context.WithCancel(s.t.Context())
	cancel()
	require.NoError(s.t, s.w.Run(ended))
	id, err := domain.ParseGenerationID(c.Generation())
	require.NoError(s.t, err)
	got, err := s.store.Get(s.t.Context(), id, []uuid.UUID{s.Wallet})
	require.NoError(s.t, err)
	require.Equal(s.t, content.Stored, got.State)
	require.Equal(s.t, s.Key, got.Key)
	return got
}

// TestTheContentOfACallIsWhatWasSent, byte by byte, whatever was asked.
func TestTheContentOfACallIsWhatWasSent(t *testing.T) {
	t.Parallel()
	s := newStoring(t)
	body := gatewaytest.Body(s.Model(gatewaytest.Canceller, ""))
	words := s.Model(gatewaytest.Vendor(chat.Anthropic), "")
	for name, row := range map[string]struct {
		in    exchange.Incoming
		media string
	}{
		"whole":          {gatewaytest.Chat([]byte(body)), "application/json"},
		"a stream":       {gatewaytest.Chat([]byte(streamed(body))), "text/event-stream"},
		"another vendor": {gatewaytest.Chat([]byte(streamed(gatewaytest.Body(words)))), "text/event-stream"},
		"an image":       {drawing(painter(s.Kit, gatewaytest.Canceller, "")), "application/json"},
		"sound":          {speaking(reader(s.Kit, gatewaytest.Canceller, ""), spoken), "audio/mpeg"},
	} {
		c := gatewaytest.NewClient()
		require.NoError(t, s.run(t.Context(), row.in, c), name)
		got := s.stored(c)
		require.Equal(t, string(row.in.Body), string(got.Request.Bytes))
		require.Equal(t, "application/json", got.Request.Media)
		require.Equal(t, row.media, got.Response.Media, name)
		require.EqualValues(t, len(c.Body()), got.Response.Length)
		require.Equal(t, c.Body()[:min(len(c.Body()), content.MaxBody)], string(got.Response.Bytes))
		require.Equal(t, row.media == "text/event-stream", got.Streamed)
		require.Empty(t, got.Error, name)
	}
}

// TestLongBodiesAreCut, and say so.
func TestLongBodiesAreCut(t *testing.T) {
	t.Parallel()
	s := newStoring(t)
	picture := strings.Repeat("x", 3<<20)
	body := `{"model":"` + s.Model(gatewaytest.Canceller, "") + `","max_tokens":5,"messages":[{"role":"user","content":[{"type":"text","text":"What is it?"},` +
		`{"type":"image_url","image_url":{"url":"data:image/png;base64,` + picture + `"}}]}]}`
	c := gatewaytest.NewClient()
	require.NoError(t, s.run(t.Context(), gatewaytest.Chat([]byte(body)), c))
	got := s.stored(c)
	require.Len(t, got.Request.Bytes, content.MaxBody)
	require.True(t, bytes.HasPrefix([]byte(body), got.Request.Bytes))
	require.EqualValues(t, len(body), got.Request.Length)
	require.True(t, got.Request.Truncated())
	require.False(t, got.Response.Truncated())
}

// TestTheContentOfACallThatWasLeft is what its caller has got of it.
func TestTheContentOfACallThatWasLeft(t *testing.T) {
	t.Parallel()
	s := newStoring(t)
	body := streamed(gatewaytest.Body(s.Model(gatewaytest.Drainer, "tokens=200&between=1ms"), `"max_tokens":500`))
	c, seen := gatewaytest.NewClient(), 0
	c.OnWrite = func(string) error {
		if seen++; seen > 3 {
			return gatewaytest.ErrHungUp
		}
		return nil
	}
	_ = s.run(t.Context(), gatewaytest.Chat([]byte(body)), c) // who left is told nothing
	got := s.stored(c)
	require.Equal(t, c.Body(), string(got.Response.Bytes))
	require.NotEmpty(t, got.Response.Bytes)
	require.NotContains(t, string(got.Response.Bytes), "[DONE]")
}

// TestTheContentOfACallThatFailed has its request, and why.
func TestTheContentOfACallThatFailed(t *testing.T) {
	t.Parallel()
	s := newStoring(t)
	c := gatewaytest.NewClient()
	err := s.run(t.Context(), gatewaytest.Chat([]byte(gatewaytest.Body(s.Model(gatewaytest.Canceller, "fault=500")))), c)
	require.Error(t, err)
	got := s.stored(c)
	require.Equal(t, string(domain.CodeOf(err)), got.Error)
	require.Empty(t, got.Response.Bytes)
	require.NotEmpty(t, got.Request.Bytes)
}

// TestNothingIsStoredOfOthers: of calls whose owner has not asked for it, and of those that were never admitted.
func TestNothingIsStoredOfOthers(t *testing.T) {
	t.Parallel()
	s := newStoring(t)
	body := []byte(gatewaytest.Body(s.Model(gatewaytest.Canceller, "")))
	call, c := s.Call(""), gatewaytest.NewClient()
	call.Incoming = gatewaytest.Chat(body)
	require.NoError(t, s.Gateway.Complete(t.Context(), call, c))
	require.Error(t, s.run(t.Context(), gatewaytest.Chat([]byte(gatewaytest.Body("acme/none"))), gatewaytest.NewClient()))
	last := gatewaytest.NewClient()
	require.NoError(t, s.run(t.Context(), gatewaytest.Chat(body), last))
	s.stored(last) // all that was put is stored by now
	id, err := domain.ParseGenerationID(c.Generation())
	require.NoError(t, err)
	_, err = s.store.Get(t.Context(), id, nil)
	require.Equal(t, domain.CodeNotFound, domain.CodeOf(err))
}
