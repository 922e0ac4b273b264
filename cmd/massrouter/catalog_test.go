package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/catalogimport"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	"github.com/massrouter/massrouter/http/openapi/client"
	"github.com/massrouter/massrouter/internal/pgtest"
)

// realPrices is the whole list of genai-prices as a file.
func realPrices(t *testing.T) (path string, list catalogimport.List, raw []byte) {
	t.Helper()
	packed, err := os.ReadFile("internal/catalogimport/testdata/genai-prices.json.gz")
	require.NoError(t, err)
	unpacked, err := gzip.NewReader(bytes.NewReader(packed))
	require.NoError(t, err)
	raw, err = io.ReadAll(unpacked)
	require.NoError(t, err)
	list, err = catalogimport.ReadGenAIPrices(raw, catalogimport.ReadOptions{ContextLength: 8192})
	require.NoError(t, err)
	return write(t, "prices.json", string(raw)), list, raw
}

// importing is a service whose vendors all have keys, and the environment of an operator.
func importing(t *testing.T, list catalogimport.List) (*service, []string) {
	t.Helper()
	keys := map[string]config.Secret{}
	for _, v := range list.Vendors {
		keys[v.ID] = config.NewSecret(vendorSecret)
	}
	s := serve(t, pgtest.URL(t), func(c *config.Config) { c.Vendors.Keys = config.NewVendorKeys(keys) })
	return s, []string{"MASSROUTER_SERVER=" + s.BaseURL(), "MASSROUTER_OPERATOR_TOKEN=" + operatorToken}
}

func doImport(t *testing.T, environ []string, args ...string) importReport {
	t.Helper()
	return decoded[importReport](t, do(t, environ, append([]string{"catalog", "import", "--json"}, args...)...))
}

// The whole of a real list is imported; the second time changes nothing; and every model of it is then called, through to the
// vendor, and charged what the list says.
func TestRealPriceListIsImportedTwiceAndEveryModelIsCalled(t *testing.T) {
	t.Parallel()
	vendor := vendorServer(t)
	path, list, raw := realPrices(t)
	s, environ := importing(t, list)
	args := []string{"--format", "genai-prices", path, "--all-to", vendor.URL() + "/v1", "--context-length", "8192"}

	dry := doImport(t, environ, append(args, "--dry-run")...)
	require.Zero(t, dry.Published)
	require.Empty(t, s.models(), "a dry run changes nothing")

	first := doImport(t, environ, args...)
	t.Logf("%d commands in %s s", first.Published, first.Seconds)
	require.Equal(t, dry.Changes, first.Changes, "a dry run says what will be done")
	require.Equal(t, len(first.Changes), first.Published)
	require.Len(t, first.Refused, len(list.Refused))
	require.Equal(t, len(list.Offers), first.Counts["endpoint"])

	second := doImport(t, environ, args...)
	require.Empty(t, second.Changes)
	require.Zero(t, second.Published)
	require.Equal(t, first.Counts["vendor"]+first.Counts["model"]+2*first.Counts["endpoint"], second.Unchanged)
	require.Empty(t, second.Absent)

	s.callAll(list, costs(t, raw))
	require.EqualValues(t, first.Counts["model"], vendor.Totals().Completed, "each model reached the vendor once")
}

// An import whose process is killed on the way is run again, and what is in the log is there once. What is in the way lets so many commands through and
// keeps all others waiting, so that no import is too fast for the kill.
func TestKilledImportContinues(t *testing.T) {
	t.Parallel()
	path, list, _ := realPrices(t)
	s, environ := importing(t, list)
	to, err := url.Parse(s.BaseURL())
	require.NoError(t, err)
	pass := httputil.NewSingleHostReverseProxy(to)
	const through = 1500
	var count atomic.Int64
	narrow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && count.Add(1) > through {
			_, _ = io.Copy(io.Discard, r.Body) // else nobody notices that the client is gone
			<-r.Context().Done()
			return
		}
		pass.ServeHTTP(w, r)
	}))
	t.Cleanup(narrow.Close)
	args := []string{"catalog", "import", "--json", "--format", "genai-prices", path, "--all-to", "http://127.0.0.1:1/v1", "--context-length", "8192"}
	whole := decoded[importReport](t, do(t, environ, append(args, "--dry-run")...))
	self, err := os.Executable()
	require.NoError(t, err)
	require.Greater(t, len(whole.Changes), through)
	cut := exec.CommandContext(t.Context(), self, append(args, "--parallel", "2", "--server", narrow.URL)...)
	cut.Env = append(append(os.Environ(), asMain+"=1"), environ...)
	require.NoError(t, cut.Start())
	await(t, func() bool { return s.head() == through && count.Load() > through })
	require.NoError(t, cut.Process.Kill())
	require.ErrorContains(t, cut.Wait(), "killed", "it was not through")

	rest := decoded[importReport](t, do(t, environ, args...))
	require.Equal(t, len(whole.Changes)-through, rest.Published)
	require.EqualValues(t, len(whole.Changes), s.head())
	require.Empty(t, decoded[importReport](t, do(t, environ, args...)).Changes)
}

// A service that is busy now and then, and that sometimes did what it says it could not, is asked again.
func TestImportIsPatient(t *testing.T) {
	t.Parallel()
	path, list, _ := realPrices(t)
	s, environ := importing(t, list)
	to, err := url.Parse(s.BaseURL())
	require.NoError(t, err)
	pass := httputil.NewSingleHostReverseProxy(to)
	var count atomic.Int64
	busy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := count.Add(1)
		if n%40 == 0 {
			pass.ServeHTTP(httptest.NewRecorder(), r) // it happens, and the answer is another
		}
		if n%20 == 0 {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, `{"type":"about:blank","title":"Service Unavailable","status":503,"code":"overloaded","detail":"try again","request_id":"00000000-0000-0000-0000-000000000000"}`)
			return
		}
		pass.ServeHTTP(w, r)
	}))
	t.Cleanup(busy.Close)
	args := []string{"--format", "genai-prices", path, "--all-to", "http://127.0.0.1:1/v1", "--server", busy.URL, "--parallel", "64"}
	r := doImport(t, environ, args...)
	require.Greater(t, r.Published, 900)
	require.EqualValues(t, r.Published, s.head(), "each command happened once")
	require.Empty(t, doImport(t, environ, args...).Changes)
}

// models are those of the console, with everything that is in the log.
func (s *service) models() []client.Model {
	s.t.Helper()
	var answer client.ModelList
	s.ask(http.MethodGet, fmt.Sprintf("/console/v1/models?min_position=%d", s.head()), operatorToken, nil).decode(s.t, &answer)
	return answer.Items
}

// head is the end of the log.
func (s *service) head() int64 {
	s.t.Helper()
	var head client.LedgerHead
	s.ask(http.MethodGet, "/console/v1/ledger/head", operatorToken, nil).decode(s.t, &head)
	return int64(head.Position)
}

// callAll calls every model of a list once, and compares charges with the flat prices of models that one vendor offers.
func (s *service) callAll(list catalogimport.List, flat map[string][2]*big.Rat) {
	s.t.Helper()
	offers := map[string][]catalogimport.Offer{}
	for _, o := range list.Offers {
		offers[o.Model] = append(offers[o.Model], o)
	}
	models := s.models()
	require.Len(s.t, models, len(offers))
	for _, m := range models {
		require.Len(s.t, m.Endpoints, len(offers[m.ID]), m.ID)
		for _, e := range m.Endpoints {
			require.NotNil(s.t, e.PriceInForce, e.ID)
		}
	}
	a := s.open("1000")
	compared, mu := 0, sync.Mutex{}
	work := make(chan string)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for id := range work {
				sent := s.ask(http.MethodPost, "/v1/chat/completions", a.secret, chat(id, false))
				var answer completion
				if sent.status != http.StatusOK || json.Unmarshal(sent.body, &answer) != nil {
					s.t.Errorf("%s: %d %s", id, sent.status, sent.body)
					continue
				}
				price, ok := flat[offers[id][0].Endpoint()]
				if !ok || len(offers[id]) > 1 {
					continue
				}
				want := new(big.Rat).Mul(price[0], new(big.Rat).SetInt64(answer.Usage.PromptTokens))
				want.Add(want, new(big.Rat).Mul(price[1], new(big.Rat).SetInt64(answer.Usage.CompletionTokens)))
				got, ok := new(big.Rat).SetString(string(answer.Usage.Cost))
				if !ok || got.Cmp(want) != 0 {
					s.t.Errorf("%s costs %s, and by the list %s", id, answer.Usage.Cost, want.RatString())
				}
				mu.Lock()
				compared++
				mu.Unlock()
			}
		})
	}
	for _, m := range models {
		work <- m.ID
	}
	close(work)
	all.Wait()
	require.Greater(s.t, compared, 700, "most models have one vendor and flat prices")
}

// costs are the prices of a token, of prompt and completion, of the offers with one flat price for each, read apart from the
// importer.
func costs(t *testing.T, raw []byte) map[string][2]*big.Rat {
	t.Helper()
	var providers []struct {
		ID     string
		Models []struct {
			ID     string
			Prices json.RawMessage
		}
	}
	require.NoError(t, json.Unmarshal(raw, &providers))
	out := map[string][2]*big.Rat{}
	for _, p := range providers {
		for _, m := range p.Models {
			var flat map[string]json.Number
			if json.Unmarshal(m.Prices, &flat) != nil || flat["requests_kcount"] != "" {
				continue // a list of prices, or tiers
			}
			in, ok1 := new(big.Rat).SetString(string(flat["input_mtok"]))
			outPrice, ok2 := new(big.Rat).SetString(string(flat["output_mtok"]))
			if !ok1 || !ok2 {
				continue
			}
			id := m.ID
			if !strings.Contains(id, "/") {
				id = p.ID + "/" + id
			}
			million := big.NewRat(1_000_000, 1)
			out[strings.ToLower(id+"@"+p.ID)] = [2]*big.Rat{in.Quo(in, million), outPrice.Quo(outPrice, million)}
		}
	}
	return out
}

const smallList = `[{"id": "acme", "name": "Acme", "models": [
  {"id": "one", "name": "One", "match": {"equals": "one"}, "context_window": 1000, "prices": {"input_mtok": %s, "output_mtok": 2}},
  {"id": "two", "match": {"equals": "two"}, "context_window": 1000, "prices": {"input_mtok": 1, "output_mtok": 2, "input_video_mtok": 3}}
]}]`

func small(t *testing.T, input string) string {
	t.Helper()
	return write(t, "list.json", fmt.Sprintf(smallList, input))
}

// A price that goes up, down to what it was, and up again is three changes, though the last is the same as the first.
func TestChangedPriceBecomesANewVersion(t *testing.T) {
	t.Parallel()
	s := serve(t, pgtest.URL(t), nil)
	environ := []string{"MASSROUTER_SERVER=" + s.BaseURL(), "MASSROUTER_OPERATOR_TOKEN=" + operatorToken}
	flags := []string{"--format", "genai-prices", "--base-url", "acme=https://api.acme.example/v1"}
	positions := map[int64]bool{}
	for i, price := range []string{"1", "1.5", "1", "1.5", "1", "1.5"} {
		r := doImport(t, environ, append(flags, small(t, price))...)
		if i == 0 {
			require.Equal(t, 4, r.Published)
		} else {
			require.Len(t, r.Changes, 1)
			require.Equal(t, catalogimport.KindPrice, r.Changes[0].Kind)
			require.False(t, r.Changes[0].New)
		}
		require.Equal(t, map[catalogimport.Reason]int{"price_class": 1}, r.Reasons)
		require.False(t, positions[r.Position], "each change is an event of its own")
		positions[r.Position] = true
	}
	var m client.ModelAnswer
	s.models()
	s.ask(http.MethodGet, "/console/v1/models/acme/one", operatorToken, nil).decode(t, &m)
	require.Len(t, *m.Model.Endpoints[0].Prices, 6)
	require.Equal(t, "0.0000015", m.Model.Endpoints[0].PriceInForce.Price.Base["input"].String())

	later := doImport(t, environ, append(flags, small(t, "9"), "--from", "2031-01-01")...)
	require.Equal(t, "2031-01-01T00:00:00Z", later.Changes[0].EffectiveFrom.Format("2006-01-02T15:04:05Z07:00"))
	require.Empty(t, doImport(t, environ, append(flags, small(t, "9"), "--from", "2031-01-01")...).Changes)
	require.Len(t, doImport(t, environ, append(flags, small(t, "1.5"))...).Changes, 1, "what was scheduled and is no longer listed does not come")
}

// What an operator decided stays: a status, a price apart from the cost, an address.
func TestImportKeepsWhatTheListDoesNotSay(t *testing.T) {
	t.Parallel()
	s := serve(t, pgtest.URL(t), nil)
	environ := []string{"MASSROUTER_SERVER=" + s.BaseURL(), "MASSROUTER_OPERATOR_TOKEN=" + operatorToken}
	flags := []string{"--format", "genai-prices"}
	do(t, environ, "vendor", "publish", "acme", "--name", "Acme", "--base-url", "https://elsewhere.example/v1", "--cancel-policy", "cancel", "--disabled")
	r := doImport(t, environ, append(flags, small(t, "1"))...)
	require.Zero(t, r.Counts["vendor"], "it is there, and the list does not say where it is")
	do(t, environ, "price", "publish", "acme/one@acme", "--per-million", "--rate", "input=3", "--rate", "output=4", "--cost", "input=1", "--cost", "output=2")
	do(t, environ, "model", "publish", "acme/old", "--name", "Old", "--context", "10", "--max-output", "5")
	do(t, environ, "model", "offer", "acme/old@acme", "--upstream", "old", "--context", "10", "--max-output", "5")
	r = doImport(t, environ, append(flags, small(t, "7"))...)
	require.Empty(t, r.Changes)
	require.Equal(t, []catalogimport.Kept{{Endpoint: "acme/one@acme", Why: "its price is not what the vendor bills"}}, r.OwnPrices)
	require.Equal(t, []string{"acme/old@acme"}, r.Absent)
	text := do(t, environ, "catalog", "import", "--format", "genai-prices", small(t, "7"), "--dry-run")
	require.Regexp(t, `(?m)^acme/two@acme +price_class +/0/models/1/prices/input_video_mtok +input_video_mtok$`, text)
	require.Regexp(t, `(?m)^acme/old@acme +it is not in the list$`, text)
	require.Regexp(t, `(?m)^would publish +nothing$`, text)
}

func TestImportMistakesAreExplained(t *testing.T) {
	t.Parallel()
	s := serve(t, pgtest.URL(t), nil)
	environ := []string{"MASSROUTER_SERVER=" + s.BaseURL(), "MASSROUTER_OPERATOR_TOKEN=" + operatorToken}
	list := small(t, "1")
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no format":         {[]string{list}, exitUsage, "--format is genai-prices or openrouter"},
		"other format":      {[]string{list, "--format", "openrouter"}, exitUsage, "JSON object with data"},
		"no list":           {[]string{write(t, "x.json", "{}"), "--format", "genai-prices"}, exitUsage, "array of providers"},
		"no file":           {[]string{filepath.Join(t.TempDir(), "none"), "--format", "genai-prices"}, exitUsage, "no such file"},
		"file URL":          {[]string{"file:///etc/passwd", "--format", "openrouter"}, exitUsage, "no such file"},
		"unknown vendor":    {[]string{list, "--format", "genai-prices", "--only", "acne"}, exitUsage, `no vendor "acne"`},
		"URL of a stranger": {[]string{list, "--format", "genai-prices", "--base-url", "acne=https://x.example"}, exitUsage, "no such vendor"},
		"no URL":            {[]string{list, "--format", "genai-prices", "--base-url", "acme=x.example"}, exitUsage, "VENDOR=URL"},
		"all to nowhere":    {[]string{list, "--format", "genai-prices", "--all-to", "x"}, exitUsage, "no URL"},
		"vendor for many":   {[]string{list, "--format", "genai-prices", "--vendor", "x"}, exitUsage, "names its vendors"},
		"in the past":       {[]string{list, "--format", "genai-prices", "--all-to", "http://x.example", "--from", "2020-01-01"}, exitUsage, "that is past"},
		"too parallel":      {[]string{list, "--format", "genai-prices", "--parallel", "0"}, exitUsage, "between 1 and"},
		"strict":            {[]string{list, "--format", "genai-prices", "--all-to", "http://x.example/v1", "--strict"}, exitFailure, "nothing was imported"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := call(t.Context(), environ, append([]string{"catalog", "import"}, c.args...)...)
			require.Equal(t, c.code, got.code, got.err)
			require.Contains(t, got.err, c.want)
		})
	}
	require.Empty(t, s.models())
}
