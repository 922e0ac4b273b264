package remote

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/chat"
)

var (
	png  = append([]byte("\x89PNG\x0D\x0A\x1A\x0A"), bytes.Repeat([]byte{7}, 100)...)
	jpeg = append([]byte("\xFF\xD8\xFF\xE0"), bytes.Repeat([]byte{9}, 50)...)
	pdf  = []byte("%PDF-1.7 of one page")
)

// site is a server on this machine with everything that a caller may name.
func site(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	give := func(path, kind string, body []byte) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			_, _ = w.Write(body)
		})
	}
	give("/a.png", "image/png", png)
	give("/b.jpg", "application/octet-stream", jpeg) // the bytes decide
	give("/c.pdf", "application/pdf", pdf)
	give("/d.txt", "text/plain; charset=utf-8", []byte("a note"))
	give("/page", "image/png", []byte("<html><body>secret</body></html>"))
	give("/secret", "application/json", []byte(`{"secret":"text that nobody calls text"}`))
	give("/large", "image/png", append(append([]byte{}, png...), make([]byte, 4096)...))
	mux.HandleFunc("GET /again/{n}", func(w http.ResponseWriter, r *http.Request) {
		var n int
		_, _ = fmt.Sscan(r.PathValue("n"), &n)
		if n == 0 {
			http.Redirect(w, r, "/a.png", http.StatusFound)
			return
		}
		http.Redirect(w, r, fmt.Sprint("/again/", n-1), http.StatusFound)
	})
	mux.HandleFunc("GET /to-file", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "file:///etc/passwd")
		w.WriteHeader(http.StatusFound)
	})
	mux.HandleFunc("GET /inside", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://169.254.169.254/latest/meta-data", http.StatusFound)
	})
	mux.HandleFunc("GET /bomb", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Content-Type", "image/png")
		_, _ = w.Write(png)
	})
	mux.HandleFunc("GET /endless", func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(png); err != nil {
				return
			}
		}
	})
	mux.HandleFunc("GET /silent", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

func fetcher(o Options) *Fetcher {
	o.Allowed = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	o.MaxSize, o.Timeout = cmp.Or(o.MaxSize, 2048), cmp.Or(o.Timeout, time.Minute)
	return NewFetcher(o)
}

func dataURL(kind string, data []byte) string {
	return "data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(data)
}

// TestInline: in each dialect what stands at an address takes its place, and nothing else changes.
func TestInline(t *testing.T) {
	t.Parallel()
	at := site(t).URL
	escaped := strings.ReplaceAll(at, "/", `\/`)
	b64 := base64.StdEncoding.EncodeToString
	rows := map[string]struct {
		dialect    chat.Dialect
		body, want string
	}{
		"openai": {
			chat.OpenAI, `{"model":"m", "messages":[{"role":"system","content":"see ` + at + `/a.png"},{"role":"user","content":[
			{"type":"text","text":"` + at + `/a.png"},{"type":"image_url","image_url":{"detail":"low","url":"` + at + `/a.png"}},
			{"image_url":"` + escaped + `/b.jpg","type":"image_url"},{"type":"file","file":{"filename":"c","file_data":"` + at + `/c.pdf"}},
			{"type":"image_url","image_url":{"url":"` + dataURL("image/png", png) + `"}},
			{"type":"file","file":{"file_data":"` + at + `/d.txt"}}]}],"metadata":{"image_url":"` + at + `/a.png"}}`,
			`{"model":"m", "messages":[{"role":"system","content":"see ` + at + `/a.png"},{"role":"user","content":[
			{"type":"text","text":"` + at + `/a.png"},{"type":"image_url","image_url":{"detail":"low","url":"` + dataURL("image/png", png) + `"}},
			{"image_url":"` + dataURL("image/jpeg", jpeg) + `","type":"image_url"},{"type":"file","file":{"filename":"c","file_data":"` + dataURL("application/pdf", pdf) + `"}},
			{"type":"image_url","image_url":{"url":"` + dataURL("image/png", png) + `"}},
			{"type":"file","file":{"file_data":"` + dataURL("text/plain", []byte("a note")) + `"}}]}],"metadata":{"image_url":"` + at + `/a.png"}}`,
		},
		"responses": {
			chat.Responses, `{"input":[{"role":"user","content":[{"type":"input_image","image_url":"` + at + `/a.png"},
			{"type":"input_file","file_url":"` + at + `/c.pdf","filename":"c"}]},
			{"type":"function_call_output","call_id":"1","output":[{"type":"input_image","image_url":"` + at + `/b.jpg"}]}]}`,
			`{"input":[{"role":"user","content":[{"type":"input_image","image_url":"` + dataURL("image/png", png) + `"},
			{"type":"input_file","file_data":"` + dataURL("application/pdf", pdf) + `","filename":"c"}]},
			{"type":"function_call_output","call_id":"1","output":[{"type":"input_image","image_url":"` + dataURL("image/jpeg", jpeg) + `"}]}]}`,
		},
		"anthropic": {
			chat.Anthropic, `{"messages":[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"` + at + `/a.png"}},
			{"type":"document","source":{"url":"` + at + `/c.pdf","type":"url"},"title":"c"},
			{"type":"tool_result","tool_use_id":"1","content":[{"type":"image","source":{"type":"url","url":"` + at + `/b.jpg"}}]},
			{"type":"tool_result","tool_use_id":"2","content":"plain"},{"type":"tool_result","tool_use_id":"3"},
			{"type":"tool_use","id":"1","name":"f","input":{"type":"image","source":{"type":"url","url":"` + at + `/a.png"}}}]}]}`,
			`{"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"` + b64(png) + `"}},
			{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"` + b64(pdf) + `"},"title":"c"},
			{"type":"tool_result","tool_use_id":"1","content":[{"type":"image","source":{"type":"base64","media_type":"image/jpeg","data":"` + b64(jpeg) + `"}}]},
			{"type":"tool_result","tool_use_id":"2","content":"plain"},{"type":"tool_result","tool_use_id":"3"},
			{"type":"tool_use","id":"1","name":"f","input":{"type":"image","source":{"type":"url","url":"` + at + `/a.png"}}}]}]}`,
		},
		"gemini": {
			chat.Gemini, `{"contents":[{"parts":[{"text":"look"},{"fileData":{"mimeType":"image/png","fileUri":"` + at + `/a.png"}}]}]}`,
			`{"contents":[{"parts":[{"text":"look"},{"inlineData":{"mimeType":"image/png","data":"` + b64(png) + `"}}]}]}`,
		},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := fetcher(Options{}).Inline(t.Context(), row.dialect, []byte(row.body))
			require.NoError(t, err)
			require.Equal(t, row.want, string(got))
			require.True(t, json.Valid(got))
			again, err := fetcher(Options{}).Inline(t.Context(), row.dialect, got)
			require.NoError(t, err)
			require.Nil(t, again, "nothing is left to be fetched")
		})
	}
}

func TestNothingToInline(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{}`, `{"messages":"http://x"}`, `{"messages":[1,"http://x"]}`, `{"messages":[{"content":"http://x"}]}`, `{"messages":[{"content":[null,"http://x",{"type":1}]}]}`,
		`{"messages":[{"content":[{"type":"image_url","image_url":{"url":"ftp://x/http"}},{"type":"image_url"},{"type":"image_url","image_url":7}]}]}`,
		`{"messages":[{"content":[{"type":"image","source":{"type":"file","url":"http://x"}},{"type":"document","source":"http://x"},{"type":"image"}]}]}`,
		`{"contents":[{"parts":[{"fileData":"http://x"},{"fileData":{"fileUri":"gs://http"}},{"fileData":{}}]}],"input":"http://x"}`,
	} {
		for _, dialect := range []chat.Dialect{chat.OpenAI, chat.Responses, chat.Anthropic, chat.Gemini, chat.Bedrock} {
			got, err := fetcher(Options{}).Inline(t.Context(), dialect, []byte(body))
			require.NoError(t, err, body)
			require.Nil(t, got, body)
		}
	}
}

func ask(addresses ...string) []byte {
	var parts []string
	for _, a := range addresses {
		quoted, _ := json.Marshal(a) //nolint:errchkjson // a string can be written
		parts = append(parts, `{"type":"image_url","image_url":{"url":`+string(quoted)+`}}`)
	}
	return []byte(`{"messages":[{"role":"user","content":[` + strings.Join(parts, ",") + `]}]}`)
}

// TestWhatCannotBeHad: each is refused with where it stands and why, in words that say nothing of the network.
func TestWhatCannotBeHad(t *testing.T) {
	t.Parallel()
	at := site(t).URL
	port := at[strings.LastIndex(at, ":"):]
	for address, why := range map[string]string{
		at + "/missing":                          "its server answers with the status 404",
		at + "/page":                             errKind.Error(),
		at + "/secret":                           errKind.Error(),
		at + "/c.pdf":                            errKind.Error(),
		at + "/d.txt":                            errKind.Error(),
		at + "/large":                            errSize.Error(),
		at + "/endless":                          errSize.Error(),
		at + "/bomb":                             errEncoding.Error(),
		at + "/again/9":                          errRedirects.Error(),
		at + "/to-file":                          errAddress.Error(),
		at + "/inside":                           errReach.Error(),
		"http://u:p@x/y":                         errAddress.Error(),
		"http://[::1" + "]" + port:               errReach.Error(), // not among the allowed
		"http://10.0.0.1/":                       errReach.Error(),
		"http://169.254.169.254/latest":          errReach.Error(),
		"http://[::ffff:169.254.169.254]/latest": errReach.Error(),
		"http://[64:ff9b::a9fe:a9fe]/latest":     errReach.Error(),
		"https://8.8.8.8:22/":                    errReach.Error(),
		"http://%zz/":                            errAddress.Error(),
		"http://x/" + strings.Repeat("x", maxAddress): errAddress.Error(),
		"http:///a.png": errAddress.Error(),
	} {
		_, err := fetcher(Options{}).Inline(t.Context(), chat.OpenAI, ask(at+"/a.png", address))
		require.Error(t, err, address)
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), address)
		require.ErrorContains(t, err, "messages.0.content.1", address)
		var refusal *domain.Error
		require.ErrorAs(t, err, &refusal)
		require.Contains(t, refusal.Message, why, address)
		require.Equal(t, "messages.0.content.1", refusal.Details["param"], address)
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	at := site(t).URL
	got, err := fetcher(Options{MaxTotal: int64(len(png))}).Inline(t.Context(), chat.OpenAI, ask(at+"/a.png", at+"/a.png"))
	require.NoError(t, err)
	require.Equal(t, ask(dataURL("image/png", png), dataURL("image/png", png)), got, "what is named twice is fetched once")
	_, err = fetcher(Options{MaxTotal: int64(len(png))}).Inline(t.Context(), chat.OpenAI, ask(at+"/a.png", at+"/b.jpg"))
	require.ErrorContains(t, err, errSize.Error())
	_, err = fetcher(Options{MaxCount: 1}).Inline(t.Context(), chat.OpenAI, ask(at+"/a.png", at+"/b.jpg"))
	require.ErrorContains(t, err, "at most 1")
	_, err = fetcher(Options{Timeout: time.Millisecond}).Inline(t.Context(), chat.OpenAI, ask(at+"/silent"))
	require.ErrorContains(t, err, errTime.Error())
	_, err = fetcher(Options{}).Inline(t.Context(), chat.OpenAI, ask(at+"/again/2"))
	require.NoError(t, err)
}

// TestTurns: no more are fetched at the same time than the process allows.
func TestTurns(t *testing.T) {
	t.Parallel()
	var now, most atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		_, _ = w.Write(png)
	}))
	t.Cleanup(server.Close)
	f := fetcher(Options{Fetches: 2})
	done := make(chan error)
	for range 4 {
		go func() {
			_, err := f.Inline(context.Background(), chat.OpenAI, ask(server.URL+"/1", server.URL+"/2", server.URL+"/3", server.URL+"/4"))
			done <- err
		}()
	}
	for range 4 {
		require.NoError(t, <-done)
	}
	require.LessOrEqual(t, most.Load(), int64(2))
}

// FuzzFind: whatever a body is, nothing outside of it is named, and what is found is an address.
func FuzzFind(f *testing.F) {
	f.Add([]byte(ask("http://x/y")))
	f.Add([]byte(`{"messages":[{"content":[{"type":"image","source":{"type":"url","url":"https://x"}}]}],"contents":[{"parts":[{"fileData":{"fileUri":"http://y"}}]}]}`))
	f.Add([]byte(`{"input":[{"content":[{"type":"input_file","file_url":"http://x"}]}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, dialect := range []chat.Dialect{chat.OpenAI, chat.Responses, chat.Anthropic, chat.Gemini} {
			found, err := find(dialect, body)
			if err != nil {
				continue
			}
			for _, ref := range found {
				require.True(t, strings.HasPrefix(strings.ToLower(ref.address), "http"))
				require.True(t, 0 <= ref.at.From && ref.at.From < ref.at.To && ref.at.To <= len(body))
			}
		}
	})
}
