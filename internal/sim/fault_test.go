package sim_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/sim"
)

// read makes a call and reads as much of its answer as comes.
func (b *bundle) read(t *testing.T, body string) (status int, text string, err error) {
	t.Helper()
	answer, err := b.client.Do(b.request(t.Context(), t, body))
	if err != nil {
		return 0, "", err
	}
	defer func() { require.NoError(t, answer.Body.Close()) }()
	got, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(got), err
}

// tokensOf counts the tokens in the whole chunks of a stream that may have broken off.
func tokensOf(t *testing.T, text string) int64 {
	t.Helper()
	var n int64
	for _, event := range events(text) {
		if json.Valid([]byte(event)) {
			_, tokens := content([]completion{decode(t, event)}, 0)
			n += tokens
		}
	}
	return n
}

func TestStatusFaults(t *testing.T) {
	t.Parallel()
	rows := map[string]struct {
		status                   int
		kind, code, retry, inMsg string
	}{
		"400":                                    {400, "invalid_request_error", "invalid_value", "", ""},
		"401":                                    {401, "invalid_request_error", "invalid_api_key", "", ""},
		"403":                                    {403, "invalid_request_error", "unsupported_country_region_territory", "", ""},
		"404":                                    {404, "invalid_request_error", "model_not_found", "", ""},
		"408":                                    {408, "server_error", "request_timeout", "", ""},
		"409":                                    {409, "invalid_request_error", "conflict", "", ""},
		"429":                                    {429, "requests", "rate_limit_exceeded", "1", "1000"},
		"429&variant=slow_down":                  {429, "requests", "slow_down", "1", "1000"},
		"429&variant=insufficient_quota":         {429, "insufficient_quota", "credit_balance_exhausted", "", ""},
		"429&retry_after=7":                      {429, "requests", "rate_limit_exceeded", "7", "7000"},
		"429&retry_after=1250ms":                 {429, "requests", "rate_limit_exceeded", "2", "1250"},
		"429&retry_after=0":                      {429, "requests", "rate_limit_exceeded", "0", "0"},
		"500":                                    {500, "server_error", "", "", ""},
		"500&retry_after=3":                      {500, "server_error", "", "3", "3000"},
		"502":                                    {502, "server_error", "bad_gateway", "", ""},
		"503":                                    {503, "server_error", "server_is_overloaded", "1", "1000"},
		"504":                                    {504, "server_error", "gateway_timeout", "", ""},
		"529":                                    {529, "server_error", "overloaded", "", ""},
		"429&variant=rate_limit&retry_after=60s": {429, "requests", "rate_limit_exceeded", "60", "60000"},
	}
	for fault, row := range rows {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			for _, more := range []string{`"user":"u"`, streamed} {
				answer := b.do(t, b.request(t.Context(), t, ask("m?fault="+fault, more)))
				text, err := io.ReadAll(answer.Body)
				require.NoError(t, err)
				require.Equal(t, row.status, answer.StatusCode)
				require.Equal(t, row.retry, answer.Header.Get("Retry-After"))
				require.Equal(t, row.inMsg, answer.Header.Get("Retry-After-Ms"))
				e := decode(t, string(text)).Error
				require.Equal(t, []string{row.kind, row.code}, []string{e.Type, deref(e.Code)})
			}
			name, _, _ := strings.Cut(fault, "&")
			want := sim.Row{Calls: 2, Streamed: 1, Rejected: 2}
			require.Equal(t, want, b.Totals().Faults[sim.Fault(name)])
			require.Equal(t, want, b.Totals().Row)
		})
	}
}

func TestFirstTimesFailThenSucceed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	status := func(model string) int {
		status, _ := b.post(t, ask(model))
		return status
	}
	require.Equal(t, []int{503, 503, 200, 200}, []int{status("m?fault=503&times=2"), status("m?fault=503&times=2"), status("m?fault=503&times=2"), status("m?fault=503&times=2")})
	require.Equal(t, 503, status("other?fault=503&times=2"), "another model has a count of its own")
	require.Equal(t, []int{429, 200}, []int{status("m?fault=429&times=1&key=k"), status("other?fault=429&times=1&key=k")}, "one key, one count")
	require.Equal(t, 200, status("m?fault=429&times=0"))
	totals := b.Totals()
	require.EqualValues(t, 3, totals.Faults["503"].Calls)
	require.EqualValues(t, 1, totals.Faults["429"].Calls)
	require.EqualValues(t, 4, totals.Completed)
	b.Reset()
	require.Equal(t, 503, status("m?fault=503&times=2"))
}

func TestSparedCallsHaveNothingOfTheFault(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, fault := range []string{"long", "slow_drip", "no_usage", "empty", "absurd_usage", "cut", "timeout_before"} {
		_, text := b.post(t, ask("m?times=0&fault="+fault))
		requireUsage(t, decode(t, text).Usage, 7, 16, 0, 0, 0)
	}
	require.Empty(t, b.Totals().Faults)
}

func TestStreamsThatBreak(t *testing.T) {
	t.Parallel()
	rows := map[string]struct {
		controls string
		tokens   int64  // that come whole
		err      error  // of reading
		has      string // the last bytes
	}{
		"cut by reset":            {"fault=cut", 4, syscall.ECONNRESET, "}\n\n"},
		"cut by close":            {"fault=cut&variant=close", 4, io.ErrUnexpectedEOF, "}\n\n"},
		"cut before any token":    {"fault=cut&after=0", 0, syscall.ECONNRESET, "}\n\n"},
		"cut past the end":        {"fault=cut&after=99", 16, syscall.ECONNRESET, "}\n\n"},
		"cut with flushes":        {"fault=cut&after=2&flush=1", 2, syscall.ECONNRESET, "}\n\n"},
		"silence":                 {"fault=timeout_after&wait=1ms", 4, io.ErrUnexpectedEOF, "}\n\n"},
		"silence past the end":    {"fault=timeout_after&wait=0s&after=16", 16, io.ErrUnexpectedEOF, "}\n\n"},
		"error":                   {"fault=error_in_stream&after=3", 3, nil, `"code":"server_error"}}` + "\n\n"},
		"error past the end":      {"fault=error_in_stream&after=16", 16, nil, `"code":"server_error"}}` + "\n\n"},
		"broken chunk":            {"fault=malformed&after=5", 5, nil, `"delta":{"content":` + "\n\n"},
		"half an event":           {"fault=malformed&variant=half", 4, nil, `"delta":{"content":`},
		"half an event, no token": {"fault=malformed&variant=half&after=0", 0, nil, `"delta":{"content":`},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			_, text, err := b.read(t, ask("m?reasoning=3&cached=2&"+row.controls, streamed, withUsage))
			if row.err == nil {
				require.NoError(t, err)
			}
			require.ErrorIs(t, err, row.err)
			require.Equal(t, row.tokens, tokensOf(t, text))
			require.True(t, strings.HasSuffix(text, row.has), text)
			require.NotContains(t, text, "[DONE]")
			require.NotContains(t, text, "prompt_tokens")
			require.Equal(t, sim.Row{
				Calls: 1, Streamed: 1, Broken: 1,
				Unreported: sim.Usage{Prompt: 7, Cached: 2, Reasoning: 3, Completion: 3 + row.tokens},
			}, b.Totals().Row)
		})
	}
}

func TestBodiesThatBreak(t *testing.T) {
	t.Parallel()
	rows := map[string]struct {
		controls string
		bytes    int // -1 half of the body
		err      error
	}{
		"cut by reset":          {"fault=cut", -1, syscall.ECONNRESET},
		"cut by close":          {"fault=cut&variant=close&after=10", 10, io.ErrUnexpectedEOF},
		"cut before any byte":   {"fault=cut&after=0", 0, syscall.ECONNRESET},
		"cut at the last byte":  {"fault=cut&after=100000", -2, syscall.ECONNRESET},
		"silence":               {"fault=timeout_after&wait=1ms&after=20", 20, io.ErrUnexpectedEOF},
		"broken JSON":           {"fault=malformed", -1, nil},
		"broken JSON at a byte": {"fault=malformed&after=7", 7, nil},
		"no byte":               {"fault=malformed&variant=half&after=0", 0, nil},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			_, whole := b.post(t, ask("m"))
			b.Reset()
			status, text, err := b.read(t, ask("m?"+row.controls))
			require.Equal(t, 200, status)
			if row.err == nil {
				require.NoError(t, err)
			}
			require.ErrorIs(t, err, row.err)
			switch row.bytes {
			case -1:
				require.Len(t, text, len(whole)/2)
			case -2:
				require.Len(t, text, len(whole)-1)
			default:
				require.Len(t, text, row.bytes)
			}
			require.Equal(t, sim.Row{Calls: 1, Broken: 1, Unreported: sim.Usage{Prompt: 7, Completion: 16}}, b.Totals().Row)
		})
	}
}

func TestTimeoutBeforeTheFirstByte(t *testing.T) {
	t.Parallel()
	for _, more := range []string{`"user":"u"`, streamed} {
		b := setup(t)
		_, _, err := b.read(t, ask("m?fault=timeout_before&wait=1ms", more))
		require.Error(t, err)
		row := b.Totals().Faults[sim.FaultTimeoutBefore]
		require.Equal(t, []int64{1, 1, 0}, []int64{row.Calls, row.Broken, row.Aborted})
		require.Zero(t, row.Unreported)
	}
}

func TestErrorInsteadOfABody(t *testing.T) {
	t.Parallel()
	b := setup(t)
	status, text := b.post(t, ask("m?fault=error_in_stream"))
	require.Equal(t, 200, status)
	require.Equal(t, "server_error", decode(t, text).Error.Type)
	require.Equal(t, sim.Row{Calls: 1, Broken: 1}, b.Totals().Row)
}

func TestPageInsteadOfAnAnswer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, more := range []string{`"user":"u"`, streamed} {
		answer := b.do(t, b.request(t.Context(), t, ask("m?fault=malformed&variant=html", more)))
		require.Equal(t, http.StatusOK, answer.StatusCode)
		require.Equal(t, "text/html; charset=utf-8", answer.Header.Get("Content-Type"))
	}
	require.Equal(t, sim.Row{Calls: 2, Streamed: 1, Broken: 2}, b.Totals().Row)
}

func TestBrokenChunkInAWholeStream(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, text := b.post(t, ask("m?fault=malformed&variant=skip", streamed, withUsage))
	require.EqualValues(t, 16, tokensOf(t, text))
	require.True(t, strings.HasSuffix(text, "data: [DONE]\n\n"))
	var bad int
	for _, event := range events(text) {
		if event != "[DONE]" && !json.Valid([]byte(event)) {
			bad++
		}
	}
	require.Equal(t, 1, bad)
	require.Equal(t, sim.Row{Calls: 1, Streamed: 1, Completed: 1, Reported: sim.Usage{Prompt: 7, Completion: 16}}, b.Totals().Row)
}

func TestNoUsage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, text := b.post(t, ask("m?fault=no_usage"))
	require.NotContains(t, text, "usage")
	require.Equal(t, "stop", *decode(t, text).Choices[0].FinishReason)
	_, text = b.post(t, ask("m?fault=no_usage", streamed, withUsage))
	require.NotContains(t, text, "prompt_tokens")
	require.Len(t, chunks(t, text), 18)
	require.Equal(t, sim.Row{Calls: 2, Streamed: 1, Completed: 2, Unreported: sim.Usage{Prompt: 14, Completion: 32}}, b.Totals().Row)
}

func TestAbsurdUsage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	variants := map[string]string{
		"negative":  `"prompt_tokens":7,"completion_tokens":-17,"total_tokens":-10,`,
		"huge":      `"prompt_tokens":7,"completion_tokens":4000000000000000000,"total_tokens":4000000000000000007,`,
		"overflow":  `"completion_tokens":123456789012345678901234567890,`,
		"cached":    `"cached_tokens":1007,`,
		"reasoning": `"reasoning_tokens":1016,`,
		"total":     `"total_tokens":1023,`,
		"fraction":  `"completion_tokens":16.5,`,
		"string":    `"completion_tokens":"16",`,
		"zero":      `"prompt_tokens":0,"completion_tokens":0,"total_tokens":0,`,
	}
	for variant, has := range variants {
		_, text := b.post(t, ask("m?fault=absurd_usage&variant="+variant))
		require.Contains(t, text, has, variant)
		require.True(t, json.Valid([]byte(text)), variant)
		_, text = b.post(t, ask("m?fault=absurd_usage&variant="+variant, streamed, withUsage))
		require.Contains(t, text, has, variant)
		require.Len(t, chunks(t, text), 19, variant)
	}
	row, calls := b.Totals().Faults[sim.FaultAbsurdUsage], int64(2*len(variants))
	require.Equal(t, sim.Row{
		Calls: calls, Streamed: calls / 2, Completed: calls, Unreported: sim.Usage{Prompt: 7 * calls, Completion: 16 * calls},
	}, row)
}

func TestEmptyAnswer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, text := b.post(t, ask("m?fault=empty"))
	whole := decode(t, text)
	require.Empty(t, *whole.Choices[0].Message.Content)
	require.Nil(t, whole.Choices[0].FinishReason)
	requireUsage(t, whole.Usage, 7, 0, 0, 0, 0)
	_, text = b.post(t, ask("m?fault=empty", streamed, withUsage))
	list := chunks(t, text)
	require.Len(t, list, 3)
	require.Nil(t, list[1].Choices[0].FinishReason)
	requireUsage(t, list[2].Usage, 7, 0, 0, 0, 0)
	require.Equal(t, sim.Row{Calls: 2, Streamed: 1, Completed: 2, Reported: sim.Usage{Prompt: 14}}, b.Totals().Row)
}

func TestSlowDripIsTheSameInPieces(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, more := range []string{streamed, `"user":"u"`} {
		_, fast := b.post(t, ask("m?tokens=3", more))
		_, slow := b.post(t, ask("m?tokens=3&fault=slow_drip&between=10us&piece=50", more))
		require.Equal(t, strings.ReplaceAll(fast, decode(t, firstEvent(fast)).ID, ""), strings.ReplaceAll(slow, decode(t, firstEvent(slow)).ID, ""))
	}
	require.EqualValues(t, 2, b.Totals().Faults[sim.FaultSlowDrip].Completed)
}

func firstEvent(text string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(text, "data: "), "\n")
	return first
}
