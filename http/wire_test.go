package http_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/http"
)

// patience is how long a test waits for what the server has to do.
const patience = time.Minute

// wire is the service behind its own server, spoken to byte by byte.
type wire struct {
	*bundle
	address string
	secret  string // of a key with money
	other   string // of another wallet's key with money
	from    int64  // the log's end when everything was in place
	stop    func()
}

const aMoment = 50 * time.Millisecond

// newWire gives a request's head and its body so long; zero is what the service gives, which is enough for whoever sends all.
func newWire(t *testing.T, head, body time.Duration) *wire {
	t.Helper()
	b := setup(t)
	b.publish()
	w := &wire{bundle: b}
	_, w.secret = b.key(b.wallet("10"), map[string]any{"name": "k"})
	_, w.other = b.key(b.wallet("10"), map[string]any{"name": "other"})
	w.from = b.position()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	api := b.api
	api.BodyTime = body
	server := &http.Server{Name: "test", Listener: listener, Grace: time.Second, HeadTime: head, Logger: api.Logger}
	server.Handler = api.Handler()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	w.address = listener.Addr().String()
	stopped := false
	w.stop = func() {
		if !stopped {
			stopped = true
			cancel()
			require.NoError(t, <-ended)
		}
	}
	t.Cleanup(w.stop)
	return w
}

// say sends bytes on a connection of their own. The caller's side stays open.
func (w *wire) say(bytes string) net.Conn {
	w.t.Helper()
	conn, err := (&net.Dialer{}).DialContext(w.t.Context(), "tcp", w.address)
	require.NoError(w.t, err)
	w.t.Cleanup(func() { _ = conn.Close() })
	require.NoError(w.t, conn.SetDeadline(time.Now().Add(patience)))
	_, err = io.WriteString(conn, bytes)
	require.NoError(w.t, err)
	return conn
}

// answers are n answers of a connection, and whether the server then closed it. Without closing it is not waited for more.
func (w *wire) answers(conn net.Conn, n int) []answer {
	w.t.Helper()
	in := bufio.NewReader(conn)
	out := make([]answer, 0, n)
	for range n {
		res, err := nethttp.ReadResponse(in, nil)
		require.NoError(w.t, err)
		body, err := io.ReadAll(res.Body)
		require.NoError(w.t, err)
		require.NoError(w.t, res.Body.Close())
		out = append(out, answer{t: w.t, status: res.StatusCode, header: res.Header, body: body})
	}
	return out
}

// all is everything that comes until the server closes the connection.
func (w *wire) all(conn net.Conn) string {
	w.t.Helper()
	all, err := io.ReadAll(conn)
	var late net.Error
	if err != nil { // a reset is an end as well: something that was sent was not read
		require.False(w.t, errors.As(err, &late) && late.Timeout(), "the server closes the connection")
	}
	return string(all)
}

// quiet ends the service and checks that neither an answer nor the log has a secret.
func (w *wire) quiet(heard ...string) {
	w.t.Helper()
	w.stop()
	w.close()
	for _, secret := range []string{w.secret, w.other, operatorToken, vendorKey} {
		require.NotContains(w.t, w.log.String(), secret)
		for _, text := range heard {
			require.NotContains(w.t, text, secret)
		}
	}
}

const question = `{"model":"acme/large","max_tokens":20,"messages":[{"role":"user","content":"a"}]}`

// inDialects are a path of each dialect, the header for its key and what its refusals of status 400 look like.
func inDialects() []struct{ path, key, refusal string } {
	return []struct{ path, key, refusal string }{
		{"/v1/chat/completions", "Authorization: Bearer ", `{"error":{"code":400,`},
		{"/v1/completions", "Authorization: Bearer ", `{"error":{"code":400,`},
		{"/v1/embeddings", "Authorization: Bearer ", `{"error":{"code":400,`},
		{"/v1/rerank", "Authorization: Bearer ", `{"error":{"code":400,`},
		{"/v1/images/generations", "Authorization: Bearer ", `{"error":{"code":400,`},
		{"/v1/audio/speech", "Authorization: Bearer ", `{"error":{"code":400,`},
		{"/v1/responses", "Authorization: Bearer ", `{"error":{"code":400,`},
		{"/v1/messages", "X-Api-Key: ", `{"type":"error","error":{"type":"invalid_request_error",`},
		{"/v1/messages/count_tokens", "X-Api-Key: ", `{"type":"error","error":{"type":"invalid_request_error",`},
		{"/v1beta/models/acme/large:generateContent", "X-Goog-Api-Key: ", `{"error":{"code":400,`},
		{"/v1beta/models/acme/large:streamGenerateContent?alt=sse", "X-Goog-Api-Key: ", `{"error":{"code":400,`},
		{"/v1beta/models/acme/large:countTokens", "X-Goog-Api-Key: ", `{"error":{"code":400,`},
		{"/v1beta/models/acme/large:embedContent", "X-Goog-Api-Key: ", `{"error":{"code":400,`},
	}
}

// TestAHeadThatNeverEnds loses its connection, and one that is endless is refused.
func TestAHeadThatNeverEnds(t *testing.T) {
	t.Parallel()
	w := newWire(t, aMoment, 0)
	var heard []string
	for _, head := range []string{"", "P", "POST /v1/chat/completions HTTP/1.1\r\n", "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + w.secret} {
		got := w.all(w.say(head))
		require.Regexp(t, `^(HTTP/1\.1 400 |$)`, got)
		heard = append(heard, got)
	}
	w.quiet(heard...)
	require.Equal(t, w.from, w.position())

	w = newWire(t, 0, 0)
	long := w.all(w.say("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + w.secret + "\r\nX-Long: " + strings.Repeat("a", 40<<10)))
	require.True(t, strings.HasPrefix(long, "HTTP/1.1 431 "), "%.100s", long)
	w.quiet(long)
	require.Equal(t, w.from, w.position())
}

// TestABodyThatNeverEnds is answered and loses its connection, whether somebody reads it or not.
func TestABodyThatNeverEnds(t *testing.T) {
	t.Parallel()
	w := newWire(t, 0, aMoment)
	type row struct{ head, begins, says string }
	var rows []row
	for _, d := range inDialects() {
		rows = append(rows, row{"POST " + d.path + " HTTP/1.1\r\n" + d.key + w.secret + "\r\n", "HTTP/1.1 400 ", d.refusal})
		rows = append(rows, row{"POST " + d.path + " HTTP/1.1\r\n", "HTTP/1.1 401 ", "error"})
	}
	rows = append(rows,
		row{"POST /v1/nothing HTTP/1.1\r\n", "HTTP/1.1 404 ", `"error_type":"not_found"`},
		row{"PUT /v1/chat/completions HTTP/1.1\r\n", "HTTP/1.1 405 ", `"error"`},
		row{"GET /v1/models HTTP/1.1\r\n", "HTTP/1.1 200 ", "acme/large"},
		row{"POST /console/v1/wallets HTTP/1.1\r\n", "HTTP/1.1 401 ", `"code":"unauthenticated"`},
		row{"POST /console/v1/nothing HTTP/1.1\r\n", "HTTP/1.1 404 ", `"code":"not_found"`},
	)
	var heard []string
	for _, r := range rows {
		for _, body := range []string{"Content-Length: 1000\r\n\r\n" + question, "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n", "Transfer-Encoding: chunked\r\n\r\n5"} {
			got := w.all(w.say(r.head + "Host: x\r\nContent-Type: application/json\r\n" + body))
			require.True(t, strings.HasPrefix(got, r.begins), "%s: %s", r.head, got)
			require.Contains(t, got, r.says, r.head)
			require.Contains(t, got, "\r\nConnection: close\r\n", r.head)
			heard = append(heard, got)
		}
	}
	require.Equal(t, w.from, w.position())
	w.quiet(heard...)
}

// TestWhereARequestEnds: two who read the same bytes must not find two different requests in them.
func TestWhereARequestEnds(t *testing.T) {
	t.Parallel()
	w := newWire(t, 0, 0)
	head := "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + w.secret + "\r\n"
	whole := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(question), question)
	length := func(value string) string { return "Content-Length: " + value + "\r\n" }
	const chunks = "Transfer-Encoding: chunked\r\n"
	var heard []string
	for name, rest := range map[string]string{
		"two lengths":                        length("5") + length("6") + "\r\n" + question,
		"a list of lengths":                  length("5, 6") + "\r\n" + question,
		"a signed length":                    length("+5") + "\r\n" + question,
		"a negative length":                  length("-1") + "\r\n" + question,
		"a length beyond int64":              length("9223372036854775808") + "\r\n" + question,
		"a hexadecimal length":               length("0x5") + "\r\n" + question,
		"two codings":                        chunks + chunks + "\r\n" + whole,
		"another coding":                     "Transfer-Encoding: gzip, chunked\r\n\r\n" + whole,
		"a made-up coding":                   "Transfer-Encoding: xchunked\r\n\r\n" + whole,
		"a coding with a tab":                "Transfer-Encoding: \x0bchunked\r\n\r\n" + whole,
		"a blank before a colon":             "Transfer-Encoding : chunked\r\n\r\n" + whole,
		"a length and a coding that is none": length("5") + "Transfer-Encoding: identity\r\n\r\n" + question,
		"a bare CR in a value":               "X-Title: a\rX-Api-Key: b\r\n" + length("0") + "\r\n",
		"a NUL in a value":                   "X-Title: a\x00b\r\n" + length("0") + "\r\n",
		"a bare CR in a name":                "X-Ti\rtle: a\r\n" + length("0") + "\r\n",
		"no colon":                           "X-Title\r\n" + length("0") + "\r\n",
		"two hosts":                          "Host: y\r\n" + length("0") + "\r\n",
	} {
		got := w.all(w.say(head + rest))
		require.Regexp(t, `^HTTP/1\.1 (400|501) `, got, name)
		require.Contains(t, got, "\r\nConnection: close\r\n", name)
		require.Equal(t, 1, strings.Count(got, "HTTP/1.1 "), "nothing behind it is read: %s", name)
		heard = append(heard, got)
	}
	// What stands in the way of the chunks is found when they are read: the refusal is the dialect's.
	for name, body := range map[string]string{
		"a signed size": "+5\r\n{\"a\":\r\n0\r\n\r\n", "a size of 17 digits": "10000000000000005\r\n{\"a\":\r\n0\r\n\r\n", "no size": "\r\n{\"a\":\r\n0\r\n\r\n",
		"a size in C": "0x5\r\n{\"a\":\r\n0\r\n\r\n", "a chunk that is too long": "4\r\n{\"a\":\r\n0\r\n\r\n", "a long extension": "5;" + strings.Repeat("a", 20<<10) + "\r\n{\"a\":\r\n0\r\n\r\n",
	} {
		for _, d := range inDialects() {
			got := w.all(w.say("POST " + d.path + " HTTP/1.1\r\nHost: x\r\n" + d.key + w.secret + "\r\n" + chunks + "\r\n" + body + head + length("0") + "\r\n"))
			require.True(t, strings.HasPrefix(got, "HTTP/1.1 400 "), "%s: %s", name, got)
			require.Contains(t, got, d.refusal, name)
			require.Equal(t, 1, strings.Count(got, "HTTP/1.1 "), "nothing behind it is read: %s", name)
			heard = append(heard, got)
		}
	}
	require.Equal(t, w.from, w.position())
	w.quiet(heard...)
}

// TestALengthBesideChunks: the chunks count, for every length that stands beside them. What comes behind them is a request of its own, which
// needs a key of its own.
func TestALengthBesideChunks(t *testing.T) {
	t.Parallel()
	w := newWire(t, 0, 0)
	behind := "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: " + fmt.Sprint(len(question)) + "\r\n\r\n" + question
	var heard []string
	lengths := []string{"0", "5", fmt.Sprint(len(question)), "4000"}
	for _, length := range lengths {
		for _, head := range []string{"Content-Length: " + length + "\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\nContent-Length: " + length + "\r\n"} {
			conn := w.say("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + w.secret + "\r\n" + head + "\r\n" +
				fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(question), question) + behind)
			got := w.answers(conn, 2)
			got[0].is(200)
			got[1].is(401)
			heard = append(heard, string(got[0].body), string(got[1].body))
		}
	}
	calls := int64(2 * len(lengths))
	require.Eventually(t, func() bool { return w.position() == w.from+2*calls }, patience, time.Millisecond, "a hold and a charge each")
	w.quiet(heard...)
}

// TestALineThatEndsInABareLF is a line like others: what somebody smuggles in by it is a second key, which is refused.
func TestALineThatEndsInABareLF(t *testing.T) {
	t.Parallel()
	w := newWire(t, 0, 0)
	var heard []string
	for _, d := range inDialects() {
		for _, second := range []string{"\n", "\r\n"} {
			got := w.answers(w.say("POST "+d.path+" HTTP/1.1\r\nHost: x\r\n"+d.key+w.secret+second+"Authorization: Bearer "+w.other+"\r\nContent-Length: 2\r\n\r\n{}"), 1)[0]
			got.is(400)
			require.True(t, bytes.HasPrefix(got.body, []byte(d.refusal)), "%s", got.body)
			require.True(t, json.Valid(got.body))
			require.Contains(t, string(got.body), "several API keys")
			heard = append(heard, string(got.body))
		}
	}
	got := w.answers(w.say("GET /api/v1/key HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+w.secret+"\nAuthorization: Bearer "+w.other+"\r\n\r\n"), 1)[0]
	got.is(400)
	require.Equal(t, w.from, w.position())
	w.quiet(append(heard, string(got.body))...)
}
