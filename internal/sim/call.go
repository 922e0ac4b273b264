package sim

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"time"
)

// keepBuffers is how large the buffers of a finished call may be to be used again.
const keepBuffers = 256 << 10

// call is one chat completion on its way. Calls are pooled: nothing in one may outlive serve.
type call struct {
	server *Server
	w      http.ResponseWriter
	ctx    context.Context // of the request that the call answers
	timer  *time.Timer
	parser parser
	body   bytes.Buffer
	req    request

	id      []byte // of the answer
	prefix  []byte // of each chunk of its stream
	texts   []sequence
	out     []byte // not sent yet
	created int64
	used    Usage // produced so far
	plan    plan
	dripped bool // the first piece of slow_drip is out
	gone    bool // the client left
	drained bool // the client left, and the answer was produced to its end nevertheless
}

// plan is how long the answer's choices are.
type plan struct {
	tokens    int64 // content tokens of each choice
	reasoning int64 // of each choice
	finish    string
}

func newCall(s *Server) *call {
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	return &call{server: s, timer: timer}
}

// chat answers POST /v1/chat/completions.
func (s *Server) chat(w http.ResponseWriter, r *http.Request) {
	s.tally.enter()
	defer s.tally.leave()
	c, ok := s.calls.Get().(*call)
	if !ok {
		c = newCall(s)
	}
	defer c.release()
	c.begin(w, r)
	if err := c.read(r); err != nil {
		f := failureOf(err)
		s.options.Logger.Debug().Str("code", f.code).Int("status", f.status).Msg("refused")
		s.refuse(w, f)
		return
	}
	c.serve()
}

func (c *call) begin(w http.ResponseWriter, r *http.Request) {
	c.w, c.ctx = w, r.Context()
	c.created = c.server.options.Now().Unix()
	c.gone, c.dripped, c.drained = false, false, false
	c.used = Usage{}
	c.out = c.out[:0]
	c.req = request{controls: c.server.options.defaults(), tools: c.req.tools[:0]}
}

// release lets go of everything that belongs to the request.
func (c *call) release() {
	if c.body.Cap() > keepBuffers || cap(c.out) > keepBuffers || cap(c.parser.scratch) > keepBuffers {
		return
	}
	c.w, c.ctx = nil, nil
	c.server.calls.Put(c)
}

// serve answers a call that passed the checks.
func (c *call) serve() {
	c.name()
	switch fault := c.req.controls.fault; {
	case refusal(fault, "").status != 0:
		c.reject()
	case fault == FaultTimeoutBefore:
		c.stall()
	case c.req.stream:
		c.stream()
	default:
		c.answer()
	}
}

// name numbers the answer.
func (c *call) name() {
	c.id = append(c.id[:0], "chatcmpl-sim-"...)
	c.id = strconv.AppendUint(c.id, c.server.serial.Add(1), 16)
	c.w.Header()["X-Request-Id"] = []string{string(c.id)}
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
	c.texts = c.texts[:0]
	for i := range q.choices {
		c.texts = append(c.texts, newSequence(q.model, q.hash, q.seed, i))
	}
}
