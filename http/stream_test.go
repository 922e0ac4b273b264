package http_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http"
	"github.com/massrouter/massrouter/http/stream"
	"github.com/massrouter/massrouter/projections/live"
)

const streamPath = "/console/v1/stream?"

// event is one of a stream; its data is what the document says.
type event struct {
	kind, id string
	data     map[string]any
}

func (e event) position() int64 {
	n, _ := strconv.ParseInt(e.data["position"].(string), 10, 64)
	return n
}

// events is an open stream.
type events struct {
	b     *bundle
	res   *nethttp.Response
	lines *bufio.Scanner
	last  string // the id that a client would come back with
}

// listen opens a stream; the error is of an answer that is none.
func (b *bundle) listen(ctx context.Context, query, last string) (*events, error) {
	r, err := nethttp.NewRequestWithContext(ctx, nethttp.MethodGet, b.url+streamPath+query, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+operatorToken)
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	res, err := nethttp.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != 200 {
		body, _ := io.ReadAll(res.Body)
		return nil, errors.Join(fmt.Errorf("the answer is %d: %s", res.StatusCode, body), res.Body.Close())
	}
	return &events{b: b, res: res, lines: bufio.NewScanner(res.Body), last: last}, nil
}

// open is listen for a test's own goroutine.
func (b *bundle) open(query, last string) *events {
	b.t.Helper()
	s, err := b.listen(b.t.Context(), query, last)
	require.NoError(b.t, err)
	b.t.Cleanup(s.close)
	return s
}

func (s *events) close() { _ = s.res.Body.Close() }

// read waits for an event and checks it against the document.
func (s *events) read() (event, error) {
	var e event
	for s.lines.Scan() {
		name, value, _ := strings.Cut(s.lines.Text(), ": ")
		switch name {
		case "id":
			e.id = value
		case "event":
			e.kind = value
		case "data":
			if err := json.Unmarshal([]byte(value), &e.data); err != nil {
				return e, err
			}
		case "":
			if e.kind == "" {
				continue // after a comment
			}
			if e.id != "" {
				s.last = e.id
			}
			schema := "Stream" + strings.ToUpper(e.kind[:1]) + e.kind[1:]
			return e, s.b.http.Transport.(*transport).document.doc.Components.Schemas[schema].Value.VisitJSON(e.data, openapi3.EnableJSONSchema2020())
		}
	}
	return e, errors.Join(io.EOF, s.lines.Err())
}

func (s *events) next(kind string) event {
	s.b.t.Helper()
	e, err := s.read()
	require.NoError(s.b.t, err)
	require.Equal(s.b.t, kind, e.kind, "%v", e.data)
	return e
}

// until reads on to an event of a kind and a position, or later.
func (s *events) until(kind string, position int64) event {
	s.b.t.Helper()
	for {
		e, err := s.read()
		require.NoError(s.b.t, err)
		if e.kind == kind && e.position() >= position {
			return e
		}
	}
}

// grant changes a balance and returns the position.
func (b *bundle) grant(wallet string) int64 {
	b.t.Helper()
	text := b.post(wallet+"/grants", credit("0.25"), idempotent(uuid.NewString())).is(200).text("position")
	n, err := strconv.ParseInt(text, 10, 64)
	require.NoError(b.t, err)
	return n
}

// updates sees one of each kind of event.
func (b *bundle) updates(walletID uuid.UUID) {
	b.t.Helper()
	s := b.open("kind=lag&kind=balance&wallet_id="+walletID.String(), "")
	defer s.close()
	s.next("reset")
	s.next("lag")
	s.until("balance", b.grant("/console/v1/wallets/"+walletID.String()))
	all := b.http.Transport.(*transport)
	all.mu.Lock()
	defer all.mu.Unlock()
	all.answered["StreamUpdates"] = true
}

func TestAStreamSaysWhatHappens(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish()
	w, other := b.wallet("10"), b.wallet("1")
	k, _ := b.key(w, map[string]any{"name": "k"})
	walletID, keyID := idOf(t, w), idOf(t, k)
	b.get(w + "?min_position=" + count(b.position())).is(200)

	s := b.open("wallet_id="+walletID.String(), "")
	require.Equal(t, "no-store, no-transform", s.res.Header.Get("Cache-Control"))
	require.Equal(t, "no", s.res.Header.Get("X-Accel-Buffering"))
	require.Equal(t, "text/event-stream; charset=utf-8", s.res.Header.Get("Content-Type"))
	reset := s.next("reset")
	require.Equal(t, "started", reset.data["reason"])
	require.Equal(t, reset.data["position"], reset.id)
	require.Equal(t, "10", reset.data["wallets"].([]any)[0].(map[string]any)["available"])

	b.grant(other) // is none of its business
	hold := b.hold(walletID, keyID)
	placed := s.next("balance")
	require.NotEqual(t, "0", placed.data["held"])
	require.Equal(t, count(placed.position()), placed.id)
	position := b.charge(walletID, hold)
	settled := s.next("balance")
	require.Empty(t, settled.id, "the charge of the same position carries it")
	require.Equal(t, position, settled.position())
	require.Equal(t, "9.99425", settled.data["available"])
	charge := s.next("charge")
	require.Equal(t, count(position), charge.id)
	require.Equal(t, "-"+chargeOfCall, charge.data["amount"])
	require.Equal(t, domain.GenerationID(hold), charge.data["generation_id"])

	// What was missed is the same as what would have been sent.
	again := b.open("wallet_id="+walletID.String(), placed.id)
	require.Equal(t, settled, again.next("balance"))
	require.Equal(t, charge, again.next("charge"))
	idle := b.open("wallet_id="+walletID.String(), charge.id)
	granted := b.grant(w)
	require.Equal(t, granted, idle.next("balance").position(), "nothing was missed, nothing is repeated")

	onlyCharges := b.open("kind=charge&wallet_id="+walletID.String(), placed.id)
	require.Equal(t, charge, onlyCharges.next("charge"))
	later := b.charge(walletID, b.hold(walletID, keyID))
	require.Equal(t, count(later), onlyCharges.next("charge").id)

	lag := b.open("kind=lag", "").until("lag", 0)
	require.NotEmpty(t, lag.data["models"])
}

func TestWhoMissedTooMuchStartsAnew(t *testing.T) {
	t.Parallel()
	b := setup(t, func(p *parts) { p.live = stream.Options{MaxMissed: 2} })
	b.publish()
	w := b.wallet("10")
	k, _ := b.key(w, map[string]any{"name": "k"})
	walletID, keyID := idOf(t, w), idOf(t, k)
	start := b.open("wallet_id="+walletID.String(), "").next("reset").id
	var last int64
	for range 3 {
		last = b.charge(walletID, b.hold(walletID, keyID))
	}
	b.get(w + "/statement?min_position=" + count(last)).is(200)
	b.get("/console/v1/generations?min_position=" + count(last)).is(200)
	s := b.open("wallet_id="+walletID.String(), start)
	for { // the hub may be behind what was asked above: then part of it is not missed but sent
		e, err := s.read()
		require.NoError(t, err)
		if e.kind == "reset" {
			require.Equal(t, "behind", e.data["reason"])
			require.Equal(t, "9.98275", e.data["wallets"].([]any)[0].(map[string]any)["available"])
			return
		}
		if e.kind == "charge" && e.position() == last {
			s.close()
			s = b.open("wallet_id="+walletID.String(), start)
		}
	}
}

func TestEveryChargeComesOnceWhateverIsCut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish()
	rapid.Check(t, func(r *rapid.T) {
		var wallets []string
		query, keys := "", map[string]uuid.UUID{}
		for range rapid.IntRange(1, 2).Draw(r, "wallets") {
			w := b.wallet("10")
			k, _ := b.key(w, map[string]any{"name": "k"})
			keys[w], wallets = idOf(t, k), append(wallets, w)
			query += "&wallet_id=" + idOf(t, w).String()
		}
		b.get(wallets[0] + "?min_position=" + count(b.position())).is(200)
		cuts := rapid.SliceOfN(rapid.IntRange(0, 4), 0, 6).Draw(r, "cuts")
		calls := rapid.SliceOfN(rapid.SampledFrom(wallets), 1, 10).Draw(r, "calls")

		first, err := b.listen(t.Context(), query[1:], "")
		require.NoError(r, err)
		e, err := first.read()
		require.NoError(r, err)
		require.Equal(r, "reset", e.kind)
		heard := make(chan hearing, 1)
		go func() { heard <- b.hear(first, query[1:], cuts, len(calls)) }()
		var charged []int64
		for _, w := range calls {
			id := idOf(t, w)
			charged = append(charged, b.charge(id, b.hold(id, keys[w])))
		}
		got := <-heard
		require.NoError(r, got.err)
		require.Equal(r, charged, got.charges)
		for _, w := range wallets {
			if at, ok := got.balances[idOf(t, w).String()]; ok {
				require.Equal(r, b.get(w).is(200).text("wallet", "posted"), at.data["posted"])
			}
		}
	})
}

// hearing is what a client heard that lost its connection now and then.
type hearing struct {
	charges  []int64
	balances map[string]event
	err      error
}

// hear reads until it has so many charges, and the balance after the last one. After each cut events it comes back.
func (b *bundle) hear(s *events, query string, cuts []int, charges int) (h hearing) {
	h.balances = map[string]event{}
	defer func() { s.close() }()
	for n := 0; ; n++ {
		if len(cuts) > 0 && n >= cuts[0] {
			last := s.last
			s.close()
			again, err := b.listen(b.t.Context(), query, last)
			if err != nil {
				h.err = err
				return h
			}
			s, n, cuts = again, 0, cuts[1:]
		}
		e, err := s.read()
		if err != nil {
			h.err = err
			return h
		}
		wallet, _ := e.data["wallet_id"].(string)
		switch e.kind {
		case "charge":
			h.charges = append(h.charges, e.position())
			if h.err = b.visible(e); h.err != nil {
				return h
			}
		case "balance":
			if before, ok := h.balances[wallet]; ok && before.position() > e.position() {
				h.err = fmt.Errorf("a balance went back from %d to %d", before.position(), e.position())
				return h
			}
			h.balances[wallet] = e
		default:
			h.err = fmt.Errorf("an event %s", e.kind)
			return h
		}
		newest := slices.MaxFunc(append([]int64{0}, h.charges...), func(a, b int64) int { return int(a - b) })
		at := int64(0)
		for _, e := range h.balances {
			at = max(at, e.position())
		}
		if len(h.charges) >= charges && at >= newest {
			return h
		}
	}
}

// visible says whether a query sees the charge that was just told.
func (b *bundle) visible(e event) error {
	r, err := nethttp.NewRequestWithContext(b.t.Context(), nethttp.MethodGet, b.url+"/console/v1/generations/"+e.data["generation_id"].(string), nil)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+operatorToken)
	res, err := b.http.Do(r)
	if err == nil && res.StatusCode != 200 {
		err = fmt.Errorf("a charge was told that a query does not see: %d", res.StatusCode)
	}
	if res != nil {
		err = errors.Join(err, res.Body.Close())
	}
	return err
}

func TestBadStreamsAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, func(p *parts) { p.live = stream.Options{MaxConnections: 1} })
	w := b.wallet("1")
	b.get(w + "?min_position=" + count(b.position())).is(200)
	id := "wallet_id=" + idOf(t, w).String()
	for query, parameter := range map[string]string{
		"": "wallet_id", "wallet_id=7": "wallet_id", id + "&kind=theft": "kind", id + "&limit=3": "limit", "kind=charge": "wallet_id",
		strings.Repeat(id+"&", 101): "wallet_id", "kind=lag&kind=balance": "wallet_id", "wallet_id=%7B" + unknownID + "%7D": "wallet_id",
	} {
		refused := b.get(streamPath+query).refused(400, domain.CodeInvalid)
		require.Equal(t, parameter, refused.text("details", "parameter"), query)
	}
	for _, last := range []string{"-1", "x", "1.0", " 1x", "99999999999999999999", count(b.position() + 1), "9223372036854775807"} {
		refused := b.get(streamPath+id, header{"Last-Event-ID", last}).refused(400, domain.CodeInvalid)
		require.Equal(t, "Last-Event-ID", refused.text("details", "parameter"), last)
	}
	b.get(streamPath+"wallet_id="+unknownID).refused(404, domain.CodeWalletNotFound)

	open := b.open(id, count(b.position())) // refusals gave their places back
	b.get(streamPath+id).refused(503, domain.CodeOverloaded)
	open.close()
	require.Eventually(t, func() bool {
		s, err := b.listen(t.Context(), id, "")
		if err == nil {
			s.close()
		}
		return err == nil
	}, time.Minute, time.Millisecond, "the place is free again")
	b.live.Close()
	b.get(streamPath+id).refused(503, domain.CodeUnavailable)
}

func TestTheLagNeedsItsPermission(t *testing.T) {
	t.Parallel()
	b := setup(t, func(p *parts) { p.api.Authenticator = limited{} })
	refused := b.get(streamPath+"kind=lag", header{"X-Permission", "wallets.read"}).refused(403, domain.CodeForbidden)
	require.Equal(t, "operations.read", refused.text("details", "permission"))
	refused = b.get(streamPath+"wallet_id="+unknownID, header{"X-Permission", "operations.read"}).refused(403, domain.CodeForbidden)
	require.Equal(t, "wallets.read", refused.text("details", "permission"))
}

func TestAClientThatDoesNotReadIsLetGo(t *testing.T) {
	t.Parallel()
	metrics := prometheus.NewRegistry()
	b := setup(t, func(p *parts) {
		p.live = stream.Options{MaxQueue: 4, LagEvery: time.Nanosecond, Patience: time.Hour, Registry: metrics}
	})
	w := b.wallet("1")
	b.get(w + "?min_position=" + count(b.position())).is(200)
	server := httptest.NewUnstartedServer(b.handler)
	server.Config.ConnState = func(c net.Conn, s nethttp.ConnState) {
		if s == nethttp.StateNew {
			_ = c.(*net.TCPConn).SetWriteBuffer(2048)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	slow := dial(t, server.URL, "kind=balance&kind=lag&wallet_id="+idOf(t, w).String())
	require.NoError(t, slow.(*net.TCPConn).SetReadBuffer(2048))
	await(t, metrics, "massrouter_stream_connections", 1)

	var last int64
	for value(t, metrics, "massrouter_stream_slow_total") == 0 {
		last = b.grant(w)
		require.Less(t, last, int64(20_000))
	}
	await(t, metrics, "massrouter_stream_connections", 0) // although it may still have an hour to read
	s := b.open("wallet_id="+idOf(t, w).String(), "1")
	require.Equal(t, last, s.until("balance", last).position())
}

func TestAServerThatStopsEndsStreams(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.wallet("1")
	b.get(w + "?min_position=" + count(b.position())).is(200)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	server := &http.Server{Name: "test", Listener: listener, Handler: b.handler, Grace: time.Hour, OnStop: b.live.Close, Logger: zerolog.Nop()}
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	c := *b
	c.url = "http://" + listener.Addr().String()
	s := c.open("wallet_id="+idOf(t, w).String(), "")
	s.next("reset")
	stop()
	_, err = s.read()
	require.Equal(t, io.EOF.Error(), err.Error(), "the answer ends whole")
	require.NoError(t, <-ended)
}

// counted counts what the live updates ask.
type counted struct {
	stream.Source
	asked atomic.Int64
}

func (c *counted) State(ctx context.Context) (live.State, error) {
	c.asked.Add(1)
	return c.Source.State(ctx)
}

// It is not parallel: it measures the whole process.
func TestIdleStreamsCostLittle(t *testing.T) { //nolint:paralleltest // see above
	const connections = 2000
	metrics := prometheus.NewRegistry()
	source := &counted{}
	b := setup(t, func(p *parts) {
		p.live = stream.Options{KeepAlive: 320 * time.Millisecond, Registry: metrics}
		p.source = func(s stream.Source) stream.Source { source.Source = s; return source }
	})
	w := b.wallet("1")
	position := b.position()
	b.get(w + "?min_position=" + count(position)).is(200)
	id := idOf(t, w).String()
	b.open("wallet_id="+id, "").next("reset")
	memory, goroutines := inUse(), runtime.NumGoroutine()
	conns := make([]net.Conn, connections)
	for i := range conns {
		conns[i] = dial(t, b.url, "wallet_id="+id)
	}
	await(t, metrics, "massrouter_stream_connections", connections+1)
	for _, c := range conns {
		expect(t, c, "event: reset")
	}
	asked := source.asked.Load()
	for _, c := range conns { // a whole round of the keep-alive
		expect(t, c, "\r\n:\n\n")
	}
	require.Equal(t, asked, source.asked.Load(), "nobody asks anything for idle connections")
	each, more := (inUse()-memory)/connections, runtime.NumGoroutine()-goroutines
	t.Logf("%d bytes and %.2f goroutines for each of %d connections", each, float64(more)/connections, connections)
	require.Less(t, each, int64(64<<10))
	require.LessOrEqual(t, more, 2*connections+50)

	granted := b.grant(w)
	for _, c := range conns {
		expect(t, c, `"position":"`+count(granted)+`"`)
	}
	for _, c := range conns {
		require.NoError(t, c.Close())
	}
	await(t, metrics, "massrouter_stream_connections", 1)
}

// inUse is the memory of all live objects and stacks.
func inUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

// dial asks for a stream and reads nothing.
func dial(t *testing.T, url, query string) net.Conn {
	t.Helper()
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	_, err = io.WriteString(c, "GET "+streamPath+query+" HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer "+operatorToken+"\r\n\r\n")
	require.NoError(t, err)
	return c
}

// expect reads on until it has seen a text.
func expect(t *testing.T, c net.Conn, text string) {
	t.Helper()
	require.NoError(t, c.SetReadDeadline(time.Now().Add(time.Minute)))
	var seen []byte
	part := make([]byte, 1024)
	for !strings.Contains(string(seen), text) {
		n, err := c.Read(part)
		require.NoError(t, err, "after %q", seen)
		seen = append(seen, part[:n]...)
	}
}

func value(t *testing.T, metrics prometheus.Gatherer, name string) float64 {
	t.Helper()
	families, err := metrics.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == name {
			m := f.GetMetric()[0]
			return m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}

func await(t *testing.T, metrics prometheus.Gatherer, name string, want float64) {
	t.Helper()
	require.Eventually(t, func() bool { return value(t, metrics, name) == want }, time.Minute, time.Millisecond, "%s", name)
}
