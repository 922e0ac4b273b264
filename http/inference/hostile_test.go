package inference_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/gateway/answers"
	"github.com/massrouter/massrouter/gateway/gatewaytest"
	"github.com/massrouter/massrouter/http/inference"
	"github.com/massrouter/massrouter/internal/pgtest"
)

// withoutLength hides how long a body is, so that it is sent in chunks.
func withoutLength(body string) io.Reader { return io.MultiReader(strings.NewReader(body)) }

// TestEveryOperationBoundsItsBody: by the length that is declared, and by what comes where none is.
func TestEveryOperationBoundsItsBody(t *testing.T) {
	t.Parallel()
	const limit = 4000
	k := newChat(t, inference.CallOptions{MaxBody: limit})
	for _, o := range operations() {
		model := o.model(k, "tokens=1")
		for _, size := range []int{limit + 1, 50 * limit} {
			body := o.with(model, "")
			body += strings.Repeat(" ", size-len(body)) // which JSON may have
			for way, from := range map[string]io.Reader{"declared": strings.NewReader(body), "in chunks": withoutLength(body)} {
				r := k.send(t, o.request(t, k, model, from))
				require.Contains(t, r.body, fmt.Sprintf("at most %d bytes", limit), "%s %s", o.name, way)
				o.refused(t, k, &r, http.StatusRequestEntityTooLarge)
			}
		}
	}
	require.Empty(t, k.History().Placed)
	for _, o := range operations() {
		model := o.model(k, "tokens=1")
		body := o.with(model, "")
		body += strings.Repeat(" ", limit-len(body))
		for _, from := range []io.Reader{strings.NewReader(body), withoutLength(body)} {
			if r := k.send(t, o.request(t, k, model, from)); o.name != withoutCap {
				require.Equal(t, http.StatusOK, r.status, "%s: %s", o.name, r.body)
			}
		}
	}
}

// TestEveryOperationRefusesAContentEncoding: what unpacks to more than the limit cannot be sent at all.
func TestEveryOperationRefusesAContentEncoding(t *testing.T) {
	t.Parallel()
	k := newChat(t, inference.CallOptions{})
	for _, o := range operations() {
		model := o.model(k, "tokens=1")
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		_, err := io.WriteString(z, o.with(model, ""))
		require.NoError(t, err)
		require.NoError(t, z.Close())
		for _, encodings := range [][]string{{"gzip"}, {"GZIP"}, {"gzip, gzip"}, {"br"}, {"zstd"}, {"deflate"}, {"identity, gzip"}, {"identity", "gzip"}, {"made-up"}} {
			req := o.request(t, k, model, bytes.NewReader(packed.Bytes()))
			req.Header["Content-Encoding"] = encodings
			r := k.send(t, req)
			o.refused(t, k, &r, http.StatusUnsupportedMediaType)
		}
	}
	require.Empty(t, k.History().Placed)
}

// TestEveryOperationRefusesWhatCannotBeRead, whatever the dialect.
func TestEveryOperationRefusesWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	k := newChat(t, inference.CallOptions{})
	for _, o := range operations() {
		model := o.model(k, "")
		first, _, _ := strings.Cut(strings.TrimPrefix(o.with(model, ""), "{"), ":") // the name of the first member
		for name, more := range map[string]string{
			"nesting":              `,"metadata":` + strings.Repeat(`{"a":`, 200_000),
			"nesting that is shut": `,"metadata":` + strings.Repeat(`[`, 20_000) + strings.Repeat(`]`, 20_000),
			"name twice":           "," + first + `:"b"`,
			"other name twice":     `,"x":1,"x":2`,
			"name twice, escaped":  `,"x":1,"\u0078":2`,
			"name twice inside":    `,"metadata":{"a":"1","a":"2"}`,
			"broken UTF-8":         ",\"metadata\":\"\xff\xfe\"",
			"broken name":          ",\"\xff\":1",
			"overlong UTF-8":       ",\"metadata\":\"\xc0\xaf\"",
			"UTF-8 of a surrogate": ",\"metadata\":\"\xed\xa0\x80\"",
			"lone surrogate":       `,"metadata":"\ud800"`,
			"raw control":          ",\"metadata\":\"a\x00b\"",
			"unended":              `,"metadata":"`,
			"behind the end":       `}{"a":1`,
			"no number":            `,"metadata":NaN`,
			"comment":              `/* */`,
		} {
			r := k.send(t, o.request(t, k, model, strings.NewReader(o.with(model, more))))
			require.Equal(t, http.StatusBadRequest, r.status, "%s: %s: %.300s", o.name, name, r.body)
			o.refused(t, k, &r, http.StatusBadRequest)
		}
		for _, body := range []string{"", "null", "[]", `"a"`, "1", "\xef\xbb\xbf" + o.with(model, ""), "\xff\xfe{\x00}\x00"} {
			r := k.send(t, o.request(t, k, model, strings.NewReader(body)))
			require.Equal(t, http.StatusBadRequest, r.status, "%s: %q: %.300s", o.name, body, r.body)
			o.refused(t, k, &r, http.StatusBadRequest)
		}
	}
	require.Empty(t, k.History().Placed)
}

// TestNumbersThatBill: what no int64 or float64 holds is refused, and what only just fits is never more than the wallet has.
func TestNumbersThatBill(t *testing.T) {
	t.Parallel()
	k := newChat(t, inference.CallOptions{})
	for _, o := range operations() {
		if o.capName == "" {
			continue
		}
		model := o.model(k, "tokens=1")
		for _, number := range []string{
			"9223372036854775808", "-9223372036854775809", "18446744073709551616", strings.Repeat("9", 400), "-1", "1.5", "1e400", "-1e400", "1e19", "1e-400",
			`"20x"`, "true", "{}", "[]", "01", "+1", "0x10", "1_000", "Infinity",
		} {
			r := k.send(t, o.request(t, k, model, strings.NewReader(o.with(model, o.capped(number)))))
			require.Equal(t, http.StatusBadRequest, r.status, "%s: %.40s: %.300s", o.name, number, r.body)
			o.refused(t, k, &r, http.StatusBadRequest)
		}
	}
	require.Empty(t, k.History().Placed)
	for _, o := range operations() {
		if o.capName == "" {
			continue
		}
		model := o.model(k, "tokens=1")
		r := k.send(t, o.request(t, k, model, strings.NewReader(o.with(model, o.capped("9223372036854775807")))))
		require.Less(t, r.status, http.StatusInternalServerError, "%s: %.300s", o.name, r.body)
		o.silent(t, k, &r)
	}
	h := k.Settled()
	for _, placed := range h.Placed {
		require.True(t, money.Zero().LessThan(placed.Amount))
		require.False(t, money.MustParse("1").LessThan(placed.Amount), "no more than the model can put out")
	}
	require.Len(t, h.Placed, len(h.Charged)+len(h.Released))
}

// TestTenThousandTools are only many: they are read, held for and charged, in every dialect that has tools.
func TestTenThousandTools(t *testing.T) {
	t.Parallel()
	k := newChat(t, inference.CallOptions{})
	calls := 0
	for _, o := range operations() {
		if o.tool == "" {
			continue
		}
		tools := make([]string, 10_000)
		for i := range tools {
			tools[i] = fmt.Sprintf(o.tool, i)
		}
		model := o.model(k, "tokens=3")
		r := k.send(t, o.request(t, k, model, strings.NewReader(o.with(model, `,"tools":[`+strings.Join(tools, ",")+`]`))))
		require.Equal(t, http.StatusOK, r.status, "%s: %.300s", o.name, r.body)
		o.silent(t, k, &r)
		if !o.free {
			calls++
		}
	}
	require.Eventually(t, func() bool { return len(k.History().Charged) == calls }, patience, tick)
	k.Settled()
}

// TestKeysThatDiffer: who pays does not depend on which of several keys somebody on the way has looked at.
func TestKeysThatDiffer(t *testing.T) {
	t.Parallel()
	k := newChat(t, inference.CallOptions{})
	wallet, _, other := k.Customer("10")
	paid := 0
	for _, o := range operations() {
		model := o.model(k, "tokens=1")
		ask := func(header http.Header, query string) reply {
			req := o.request(t, k, model, strings.NewReader(o.with(model, "")))
			req.Header = header
			if query != "" {
				req.URL.RawQuery = strings.TrimPrefix(req.URL.RawQuery+"&"+query, "&")
			}
			r := k.send(t, req)
			require.NotContains(t, r.body, other)
			return r
		}
		own := o.credential(k.Secret)
		twice := http.Header{o.key: {own, o.credential(other)}}
		beside := http.Header{o.key: {own}, asBearer: {"Bearer " + other}}
		if o.key == asBearer {
			beside = twice
		}
		for _, header := range []http.Header{twice, beside} {
			r := ask(header, "")
			o.refused(t, k, &r, http.StatusBadRequest)
		}
		if o.errors == likeGemini {
			for header, query := range map[string]string{own: "key=" + other, "": "key=" + k.Secret + "&key=" + other} {
				r := ask(http.Header{o.key: {header}}, query)
				o.refused(t, k, &r, http.StatusBadRequest)
			}
		}
		if o.name == withoutCap {
			continue
		}
		same := []http.Header{{o.key: {own, own}}, {o.key: {own}, asBearer: {"bearer  " + k.Secret}}}
		if o.key != asBearer { // what is for a proxy in front is none of ours
			same = append(same, http.Header{o.key: {own}, asBearer: {"Basic eDp5"}})
		}
		for _, header := range same {
			r := ask(header, "")
			require.Equal(t, http.StatusOK, r.status, "%s: %s", o.name, r.body)
			if !o.free {
				paid++
			}
		}
		require.NotContains(t, k.Log.String(), other)
	}
	require.Empty(t, k.HistoryOf(wallet).Placed)
	require.Eventually(t, func() bool { return len(k.History().Charged) == paid }, patience, tick)
}

// TestAnIdempotencyKeyIsGivenOnce: of two, none is meant.
func TestAnIdempotencyKeyIsGivenOnce(t *testing.T) {
	t.Parallel()
	store := answers.New(pgtest.New(t))
	k := newChat(t, inference.CallOptions{}, func(o *gateway.Options) { o.Answers = store })
	for _, o := range operations() {
		model := o.model(k, "")
		for _, tokens := range [][]string{{"a", "b"}, {"a", "a"}, {"a", ""}, {""}, {strings.Repeat("a", 10_000)}} {
			req := o.request(t, k, model, strings.NewReader(o.with(model, "")))
			req.Header["Idempotency-Key"] = tokens
			r := k.send(t, req)
			if o.free && len(tokens) == 1 && tokens[0] != "" {
				continue // nothing is done that could be done twice
			}
			if o.name == withoutCap && len(tokens) == 1 {
				continue
			}
			require.Equal(t, http.StatusBadRequest, r.status, "%s: %.20v: %s", o.name, tokens, r.body)
			o.refused(t, k, &r, http.StatusBadRequest)
		}
	}
	require.Empty(t, k.History().Placed)
	require.NotContains(t, k.Log.String(), gatewaytest.VendorSecret)
}
