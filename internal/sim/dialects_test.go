package sim_test

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/sim"
)

// each runs a test in every dialect, in each with a body and a stream if it has streams.
func each(t *testing.T, test func(t *testing.T, b *bundle, s *speech, stream bool)) {
	t.Helper()
	for _, s := range speeches() {
		for _, stream := range []bool{false, true} {
			if stream && s.embeds {
				continue
			}
			t.Run(fmt.Sprintf("%s/stream=%t", s.name, stream), func(t *testing.T) {
				t.Parallel()
				test(t, setup(t), s, stream)
			})
		}
	}
}

func count(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// The same conversation has the same text and the same usage in every dialect, and all are counted in the same way.
func TestDialectsSayTheSame(t *testing.T) {
	t.Parallel()
	chat := setup(t).hear(t, chatSpeech(), "m?reasoning=5&cached=3", false)
	each(t, func(t *testing.T, b *bundle, s *speech, stream bool) {
		t.Helper()
		got := b.hear(t, s, "m?reasoning=5&cached=3", stream)
		want := sim.Usage{Prompt: 7, Cached: 3, Reasoning: 5, Completion: 21}
		if s.embeds {
			want = sim.Usage{Prompt: got.usage.Prompt}
		} else {
			if s.name == "converse" {
				want.Reasoning = 0 // it does not tell it
			}
			require.Equal(t, chat.text, got.text)
			require.True(t, got.done)
			require.True(t, !stream || got.tokens == 16, "an event a token")
		}
		require.Equal(t, want, got.usage)
		row := sim.Row{Calls: 1, Completed: 1, Streamed: count(stream), Reported: want}
		totals := b.Totals()
		require.Equal(t, []sim.Row{row, row, row}, []sim.Row{totals.Row, totals.Models["m"], totals.Dialects[s.name]})
		require.Len(t, totals.Dialects, 1)
	})
}

func TestStatusFaultsInEveryDialect(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle, s *speech, stream bool) {
		t.Helper()
		for status, kind := range s.native {
			answer := b.speak(t, s, "m?fault="+status, stream)
			text, err := io.ReadAll(answer.Body)
			require.NoError(t, err)
			require.Equal(t, status, fmt.Sprint(answer.StatusCode))
			require.Equal(t, kind, s.errorKind(t, string(text)), status)
			require.Equal(t, "application/json", strings.TrimSuffix(answer.Header.Get("Content-Type"), "; charset=UTF-8"))
		}
		n := int64(len(s.native))
		require.Equal(t, sim.Row{Calls: n, Streamed: n * count(stream), Rejected: n}, b.Totals().Dialects[s.name])
	})
}

// A rate limit says when to come again, a used up quota does not.
func TestRateLimitInEveryDialect(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle, s *speech, stream bool) {
		t.Helper()
		for model, want := range map[string]string{
			"m?fault=429": "1", "m?fault=429&retry_after=34": "34", "m?fault=429&variant=insufficient_quota": "", "m?fault=503": "1", "m?fault=500": "",
		} {
			answer := b.speak(t, s, model, stream)
			text, err := io.ReadAll(answer.Body)
			require.NoError(t, err)
			if s.name == "gemini" {
				require.Empty(t, answer.Header.Get("Retry-After"))
				require.Equal(t, want != "", strings.Contains(string(text), `"retryDelay":"`+want+`s"`), string(text))
				continue
			}
			require.Equal(t, want, answer.Header.Get("Retry-After"), model)
			limit := map[bool]string{true: "Anthropic-Ratelimit-Requests-Remaining", false: "X-Ratelimit-Remaining-Requests"}[s.name == "messages"]
			if answer.StatusCode == http.StatusTooManyRequests && s.name != "converse" {
				require.Equal(t, "0", answer.Header.Get(limit))
			}
		}
	})
}

func TestStreamsBreakInEveryDialect(t *testing.T) {
	t.Parallel()
	rows := map[string]struct {
		controls string
		tokens   int64
		err      error
		failed   bool
	}{
		"reset":       {"fault=cut", 4, syscall.ECONNRESET, false},
		"close":       {"fault=cut&variant=close&after=9", 9, io.ErrUnexpectedEOF, false},
		"at once":     {"fault=cut&variant=close&after=0", 0, io.ErrUnexpectedEOF, false},
		"at the end":  {"fault=cut&variant=close&after=99", 16, io.ErrUnexpectedEOF, false},
		"silence":     {"fault=timeout_after&wait=1ms", 4, io.ErrUnexpectedEOF, false},
		"error":       {"fault=error_in_stream&after=3", 3, nil, true},
		"overloaded":  {"fault=error_in_stream&after=3&variant=overloaded", 3, nil, true},
		"broken":      {"fault=malformed&after=5", 5, nil, false},
		"half":        {"fault=malformed&variant=half", 4, nil, false},
		"first token": {"fault=error_in_stream&after=0&variant=rate_limit", 0, nil, true},
	}
	each(t, func(t *testing.T, b *bundle, s *speech, stream bool) {
		t.Helper()
		if !stream {
			return
		}
		for name, row := range rows {
			b.Reset()
			_, text, err := b.say(t, s, "m?reasoning=3&cached=2&"+row.controls, true)
			require.ErrorIs(t, err, row.err, name)
			got := s.understand(t, text, true)
			require.Equal(t, row.tokens, got.tokens, name)
			require.Equal(t, row.failed, got.failed != "", name)
			require.False(t, got.done, name)
			require.Empty(t, got.finish, name)
			require.Equal(t, sim.Row{
				Calls: 1, Streamed: 1, Broken: 1, Unreported: sim.Usage{Prompt: 7, Cached: 2, Reasoning: s.reasons(3), Completion: 3 + row.tokens},
			}, b.Totals().Dialects[s.name], name)
		}
	})
}

func TestBodiesBreakInEveryDialect(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle, s *speech, stream bool) {
		t.Helper()
		if stream {
			return
		}
		_, whole, err := b.say(t, s, "m", false)
		require.NoError(t, err)
		used := b.Totals().Reported
		for controls, row := range map[string]struct {
			bytes int
			err   error
		}{
			"fault=cut":                              {len(whole) / 2, syscall.ECONNRESET},
			"fault=cut&variant=close&after=10":       {10, io.ErrUnexpectedEOF},
			"fault=timeout_after&wait=1ms&after=20":  {20, io.ErrUnexpectedEOF},
			"fault=malformed":                        {len(whole) / 2, nil},
			"fault=malformed&variant=half&after=100": {100, nil},
		} {
			b.Reset()
			status, text, err := b.say(t, s, "m?"+controls, false)
			require.Equal(t, 200, status)
			require.ErrorIs(t, err, row.err, controls)
			require.Len(t, text, row.bytes, controls)
			require.False(t, json.Valid([]byte(text)), controls)
			require.Equal(t, sim.Row{Calls: 1, Broken: 1, Unreported: used}, b.Totals().Row, controls)
		}
	})
}

func TestOtherFaultsInEveryDialect(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle, s *speech, stream bool) {
		t.Helper()
		_, _, err := b.say(t, s, "m?fault=timeout_before&wait=1ms", stream)
		require.Error(t, err)
		require.EqualValues(t, 1, b.Totals().Broken)
		_, text, err := b.say(t, s, "m?fault=malformed&variant=html", stream)
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(text, "<!doctype html>"))
		if !stream {
			_, text, err = b.say(t, s, "m?fault=error_in_stream", false)
			require.NoError(t, err)
			require.NotEmpty(t, s.errorKind(t, text))
		} else {
			_, text, err = b.say(t, s, "m?fault=malformed&variant=skip", true)
			require.NoError(t, err)
			got := s.understand(t, text, true)
			require.Equal(t, []int64{16, 1}, []int64{got.tokens, count(got.done)})
			if s.name == "converse" {
				return // frames have no blank lines between them
			}
			events := strings.Split(strings.TrimSuffix(strings.ReplaceAll(text, "\r", ""), "\n\n"), "\n\n")
			require.Len(t, events, len(sse(text))+1, "one event is broken")
		}

		b.Reset()
		fast := b.hear(t, s, "m?tokens=3", stream)
		slow := b.hear(t, s, "m?tokens=3&fault=slow_drip&between=10us&piece=50", stream)
		fast.id, slow.id = "", ""
		require.Equal(t, fast, slow)

		b.Reset()
		require.Equal(t, 503, status(b.say(t, s, "m?fault=503&times=1", stream)))
		require.Equal(t, 200, status(b.say(t, s, "m?fault=503&times=1", stream)))
		if s.embeds {
			return
		}
		b.Reset()
		long := b.hear(t, s, "m?fault=long&tokens=3000", stream, s.capped(20))
		require.EqualValues(t, 3000, long.usage.Completion)
		require.EqualValues(t, 3000, b.Totals().Reported.Completion)
		short := b.hear(t, s, "m?tokens=40", stream, s.capped(20))
		require.EqualValues(t, 20, short.usage.Completion)
	})
}

// reasons is what is counted of reasoning: nothing where the vendor does not tell it.
func (s *speech) reasons(tokens int64) int64 {
	if s.name == "converse" {
		return 0
	}
	return tokens
}

func status(status int, _ string, _ error) int { return status }

// capped is the member that limits an answer to n tokens.
func (s *speech) capped(n int) string { return fmt.Sprintf(s.capMember, n) }

func TestUsageFaultsInEveryDialect(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle, s *speech, stream bool) {
		t.Helper()
		honest := b.hear(t, s, "m", stream)
		require.True(t, honest.told)
		b.Reset()
		_, text, err := b.say(t, s, "m?fault=no_usage", stream)
		require.NoError(t, err)
		got := s.understand(t, text, stream)
		require.False(t, got.told)
		require.NotContains(t, text, `"usage":{`)
		require.NotContains(t, text, "usageMetadata")
		variants := []string{"negative", "huge", "overflow", "cached", "reasoning", "total", "fraction", "string", "zero"}
		seen := map[string]bool{}
		for _, variant := range variants {
			_, text, err := b.say(t, s, "m?fault=absurd_usage&variant="+variant, stream)
			require.NoError(t, err)
			if !stream {
				require.True(t, json.Valid([]byte(text)), text)
			}
			got := s.understand(t, text, stream)
			require.True(t, got.done)
			require.False(t, got.told && got.usage == honest.usage && variant != "total" && (s.name != "converse" || variant != "reasoning") && !s.embeds, "%s: %s", variant, text)
			seen[strings.ReplaceAll(text, got.id, "")] = true
		}
		require.True(t, s.embeds || len(seen) == len(variants), "each variant is another lie")
		row := b.Totals().Row
		require.Zero(t, row.Reported)
		require.Equal(t, int64(1+len(variants))*honest.usage.Completion, row.Unreported.Completion)
		require.Equal(t, int64(1+len(variants))*honest.usage.Prompt, row.Unreported.Prompt)

		b.Reset()
		_, text, err = b.say(t, s, "m?fault=empty", stream)
		require.NoError(t, err)
		got = s.understand(t, text, stream)
		if s.name == "responses" {
			require.Equal(t, "completed", got.finish, "this dialect has no other word")
			got.finish = ""
		}
		require.Equal(t, heard{usage: sim.Usage{Prompt: honest.usage.Prompt}, told: true, done: true, id: got.id}, got)
	})
}

func TestClientsThatLeaveInEveryDialect(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle, s *speech, stream bool) {
		t.Helper()
		if !stream {
			return
		}
		answer := b.speak(t, s, "m?reasoning=2&between=10m", true)
		// The first token's event is there when a byte of it is.
		head := make([]byte, 1)
		_, err := io.ReadFull(answer.Body, head)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Equal(t, sim.Row{
			Calls: 1, Streamed: 1, Aborted: 1, Unreported: sim.Usage{Prompt: 7, Reasoning: s.reasons(2), Completion: 3},
		}, b.idle(t).Dialects[s.name])
	})
}

// Floods are answers that a client has to give up on.
func TestFloodsInEveryDialect(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle, s *speech, stream bool) {
		t.Helper()
		for fault, encoding := range map[string]string{"gzip_bomb": "gzip", "malformed&variant=endless&after=0": ""} {
			b.Reset()
			raw := &http.Client{Transport: &http.Transport{DisableCompression: true}}
			answer, err := b.speakWith(t, raw, s, "m?fault="+fault, stream)
			require.NoError(t, err)
			require.Equal(t, 200, answer.StatusCode)
			require.Equal(t, encoding, answer.Header.Get("Content-Encoding"))
			body, size := io.Reader(answer.Body), int64(8<<20)
			if encoding == "gzip" {
				body, err = gzip.NewReader(answer.Body)
				require.NoError(t, err)
				size = 24 << 20 // more than a block of it
			}
			_, err = io.CopyN(io.Discard, body, size)
			require.NoError(t, err)
			require.NoError(t, answer.Body.Close())
			raw.CloseIdleConnections()
			row := b.idle(t).Row
			// A bomb is small on the wire: all of it may be sent before the client leaves.
			require.Equal(t, []int64{1, 1, 0}, []int64{row.Calls, row.Aborted + row.Broken, row.Completed}, fault)
		}
	})
}
