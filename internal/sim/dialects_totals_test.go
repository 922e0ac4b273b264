package sim_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/sim"
)

// Callers of all dialects at once add up what they were told; the simulator's sums must be the same, dialect by dialect.
func TestTotalsEqualWhatCallersOfAllDialectsSaw(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const rounds = 24
	var mu sync.Mutex
	saw := make(map[string]*sim.Row)
	var group sync.WaitGroup
	for _, s := range speeches() {
		for range 3 {
			group.Go(func() {
				for round := range rounds {
					row := b.spoken(t, s, round)
					mu.Lock()
					if saw[s.name] == nil {
						saw[s.name] = new(sim.Row)
					}
					add(saw[s.name], row)
					mu.Unlock()
				}
			})
		}
	}
	group.Wait()
	totals := b.idle(t)
	var sum sim.Row
	for name, row := range saw {
		require.Equal(t, *row, totals.Dialects[name], name)
		add(&sum, *row)
	}
	require.Equal(t, sum, totals.Row)
	require.Len(t, totals.Dialects, len(speeches()))
	require.EqualValues(t, len(speeches())*3*rounds, totals.Calls)
	require.Positive(t, totals.Dialects["messages"].Reported.CacheWrite1h)
}

// spoken makes one of four kinds of call and returns what its caller knows of it.
func (b *bundle) spoken(t *testing.T, s *speech, round int) sim.Row {
	t.Helper()
	stream := round%2 == 0 && !s.embeds
	row := sim.Row{Calls: 1, Streamed: count(stream)}
	model := fmt.Sprintf("m%d?tokens=%d&cached=%d&cache_write=3&cache_write_1h=%d&reasoning=%d", round%3, round+5, round%4, round%3, round%7)
	switch round % 4 {
	case 0:
		row.Rejected = 1
		assertStatus(t, 529, status(b.say(t, s, model+"&fault=529", stream)))
	case 1:
		_, text, err := b.say(t, s, model+"&fault=cut&variant=close", stream)
		if err == nil {
			t.Errorf("%s was not cut: %s", s.name, text)
		}
		// What a broken body used is known to the vendor alone: the same call without its fault says it.
		row.Broken = 1
		row.Unreported = setup(t).hear(t, s, model, stream).usage
	default:
		row.Completed = 1
		row.Reported = b.hear(t, s, model, stream).usage
	}
	return row
}

func assertStatus(t *testing.T, want, got int) {
	t.Helper()
	if want != got {
		t.Errorf("status %d, not %d", got, want)
	}
}

// FuzzDialects sends any body to any dialect: it is answered or refused in the dialect's shape, and a prompt is never counted
// for more than its bytes.
func FuzzDialects(f *testing.F) {
	list := speeches()
	for i, s := range list {
		f.Add(uint8(i), false, s.body("m?tokens=2", false))
		f.Add(uint8(i), true, s.body("m?tokens=2", true))
	}
	f.Add(uint8(1), true, `{"model":"m?tools=2&words=1","max_tokens":9,"tools":[{"name":"f","input_schema":{"type":"object"}}],"messages":[{"role":"user","content":[{"type":"text","text":"a"}]}]}`)
	f.Add(uint8(1), false, `{"model":"m","max_tokens":9,"system":"s","messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t"}]}]}`)
	f.Add(uint8(2), true, `{"contents":[{"parts":[{"text":"a"}]},{"role":"model","parts":[{"functionCall":{"name":"f"}}]},{"parts":[{"functionResponse":{"name":"f","response":{}}}]}],"tools":[{"functionDeclarations":[{"name":"f"}]}]}`)
	f.Add(uint8(3), true, `{"model":"m","input":[{"role":"user","content":[{"type":"input_text","text":"a"}]},{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":"r"}]}`)
	f.Add(uint8(5), true, `{"messages":[{"role":"user","content":[{"text":"a"}]},{"role":"assistant","content":[{"toolUse":{"toolUseId":"t","name":"f","input":{}}}]},{"role":"user","content":[{"toolResult":{"toolUseId":"t","content":[{"json":{}}]}}]}],"toolConfig":{"tools":[{"toolSpec":{"name":"f","inputSchema":{"json":{}}}},{"cachePoint":{"type":"default"}}]}}`)
	f.Add(uint8(4), false, `{"model":"m","input":[[1,2],[3]],"dimensions":2,"encoding_format":"base64"}`)
	server := sim.New(sim.Options{APIKey: apiKey, Stall: time.Millisecond, Now: func() time.Time { return time.Unix(1_800_000_000, 0) }})
	f.Fuzz(func(t *testing.T, which uint8, stream bool, body string) {
		s := list[int(which)%len(list)]
		// Other controls make calls slow, large or broken on purpose.
		if others := strings.NewReplacer("m?tokens=2\"", "", "m?tools=2&words=1\"", "").Replace(body); strings.Contains(others, "?") || strings.Contains(strings.ToLower(others), `\u003f`) {
			return
		}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, s.path("m", stream), strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		for i := 0; i+1 < len(s.headers); i += 2 {
			r.Header.Set(s.headers[i], s.headers[i+1])
		}
		server.Reset()
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			require.GreaterOrEqual(t, w.Code, 400)
			require.NotEmpty(t, s.errorKind(t, w.Body.String()))
			return
		}
		kind := w.Header().Get("Content-Type")
		streams := strings.HasPrefix(kind, "text/event-stream") || kind == "application/vnd.amazon.eventstream"
		if s.name == "chat" && streams {
			return // has usage only if it was asked for
		}
		got := s.understand(t, w.Body.String(), streams)
		require.True(t, got.done)
		totals := server.Totals()
		require.EqualValues(t, 1, totals.Completed)
		require.Equal(t, totals.Reported, got.usage)
		require.LessOrEqual(t, got.usage.Prompt, int64(len(body)))
	})
}
