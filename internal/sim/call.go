package sim

import (
	"bytes"
	"context"
	"net/http"
	"time"
)

// keepBuffers is how large the buffers of a finished call may be to be used again.
const keepBuffers = 256 << 10

// call is one request for an answer on its way. Calls are pooled: nothing in one may outlive serve.
type call struct {
	server *Server
	d      dialect
	w      http.ResponseWriter
	ctx    context.Context // of the request that the call answers
	timer  *time.Timer
	parser parser
	body   bytes.Buffer
	req    request

	id         []byte // of the answer
	serial     uint64 // its number
	prefix     []byte // of each chunk of its stream, as the dialect likes
	kept       []byte // what the dialect has to say again at the stream's end
	item, text int    // where in kept the item that grows begins, and its text
	events     int64  // in the stream so far, for dialects that count them
	texts      []sequence
	out        []byte // not sent yet
	now        time.Time
	created    int64
	used       Usage // produced so far
	plan       plan
	about      about
	dripped    bool // the first piece of slow_drip is out
	gone       bool // the client left
	drained    bool // the client left, and the answer was produced to its end nevertheless
}

func newCall(s *Server) *call {
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	return &call{server: s, timer: timer}
}

// serveDialect answers a request of a dialect whose caller is let in.
func (s *Server) serveDialect(w http.ResponseWriter, r *http.Request, d dialect) {
	s.tally.enter()
	defer s.tally.leave()
	c, ok := s.calls.Get().(*call)
	if !ok {
		c = newCall(s)
	}
	defer c.release()
	c.begin(w, r, d)
	if err := c.read(r); err != nil {
		f := failureOf(err)
		s.options.Logger.Debug().Str("code", f.code).Int("status", f.status).Msg("refused")
		s.refuse(w, d, f)
		return
	}
	c.serve()
}

func (c *call) begin(w http.ResponseWriter, r *http.Request, d dialect) {
	c.w, c.ctx, c.d = w, r.Context(), d
	c.now = c.server.options.Now()
	c.created = c.now.Unix()
	c.gone, c.dripped, c.drained = false, false, false
	c.used, c.plan, c.events = Usage{}, plan{}, 0
	c.out, c.kept = c.out[:0], c.kept[:0]
	c.req = request{controls: c.server.options.defaults(), tools: c.req.tools[:0], vectors: c.req.vectors[:0], choices: 1}
}

// release lets go of everything that belongs to the request.
func (c *call) release() {
	if c.body.Cap() > keepBuffers || cap(c.out) > keepBuffers || cap(c.parser.scratch) > keepBuffers {
		return
	}
	c.w, c.ctx, c.d = nil, nil, nil
	c.server.calls.Put(c)
}

// serve answers a call that passed the checks.
func (c *call) serve() {
	c.serial = c.server.serial.Add(1)
	c.id = c.d.label(c.id[:0], c.serial)
	switch fault := c.req.controls.fault; {
	case refusal(fault, "").status != 0:
		c.reject()
		return
	case c.plan.finish == finishBlocked && c.filters():
		return
	case fault == FaultTimeoutBefore:
		c.stall()
		return
	}
	c.about = about{id: c.id, serial: c.serial, retry: unset, now: c.now}
	c.d.headers(c.w.Header(), &c.about)
	switch {
	case c.req.controls.fault == FaultGzipBomb:
		c.bomb()
	case c.req.stream:
		c.stream()
	default:
		c.answer()
	}
}

// filters refuses the prompt with an error, if that is how the dialect does it.
func (c *call) filters() bool {
	d, ok := c.d.(filter)
	if ok {
		c.server.refuse(c.w, c.d, d.refuses())
	}
	return ok
}

// begun books what is produced before the first content token.
func (c *call) begun() {
	q := &c.req
	prompt := q.prompt
	if q.controls.prompt != unset {
		prompt = q.controls.prompt
	}
	reasoning := c.plan.reasoning * int64(q.choices)
	c.used = Usage{Prompt: prompt, Reasoning: reasoning, Completion: reasoning}
	c.used.Cached = min(q.controls.cached, prompt)
	c.used.CacheWrite = min(q.controls.cacheWrite, prompt-c.used.Cached)
	c.used.CacheWrite1h = min(q.controls.cacheWrite1h, c.used.CacheWrite)
	c.d.begun(c)
	c.texts = c.texts[:0]
	for i := range q.choices {
		c.texts = append(c.texts, newSequence(q.model, q.hash, q.seed, i))
	}
}

// thoughts is the sequence of a choice's reasoning.
func (c *call) thoughts(choice int) sequence {
	return newSequence(c.req.model, c.req.hash, c.req.seed, thoughtsOf+choice)
}

// thoughtsOf keeps the sequences of reasoning apart from those of choices.
const thoughtsOf = 1 << 20
