package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/exchange"
	"github.com/massrouter/massrouter/gateway/frames"
	"github.com/massrouter/massrouter/gateway/meter"
	"github.com/massrouter/massrouter/gateway/sse"
)

const (
	bufferSize = 4 << 10
	// hangUpTime is how long a vendor may take to end a stream that has said its last word.
	hangUpTime = time.Second
	// sendAt is how much is put together for one write when the vendor is fast.
	sendAt = 32 << 10
	// keepBuffer is how large a buffer may be to be used again.
	keepBuffer = 64 << 10
)

// stream is a stream under way.
type stream struct {
	*run
	body    io.ReadCloser
	events  events
	pending []byte // chunks not sent yet
	ending  ending
	// upstreamID is what the stream itself calls its answer.
	upstreamID string
}

// events are those of a vendor's stream, server-sent events or frames.
type events interface {
	// Next is the next one; its name and data are good until the next call.
	Next() (name, data []byte, err error)
	// Waiting says whether another one has come already.
	Waiting() bool
	// Buffer is the memory in use, to be used again.
	Buffer() []byte
}

// eventsOf reads a stream of the vendor of the route.
func (s *stream) eventsOf(body io.Reader, buf []byte) events {
	if exchange.Framed(s.route.target.dialect) {
		return frames.New(body, buf, s.maxEvent())
	}
	return sse.NewEvents(body, buf, s.maxEvent())
}

// relay calls the vendor for a stream and hands its chunks on as they come, all but the last: the usage is told when it is
// charged.
func (r *run) relay(ctx context.Context) error {
	s := &stream{run: r}
	s.ending.text = func() *meter.Produced { return &r.produced }
	resp, failure := r.post(ctx)
	if failure != nil {
		return s.broken(ctx, failure)
	}
	s.body = resp.Body
	in, out := r.g.takeBuffer(), r.g.takeBuffer()
	s.events, s.pending = s.eventsOf(resp.Body, *in), *out
	failure = s.pump()
	*in, *out = s.events.Buffer(), s.pending[:0]
	r.g.giveBuffer(in)
	r.g.giveBuffer(out)
	if failure != nil {
		_ = s.body.Close()
		return s.broken(ctx, failure)
	}
	s.hangUp()
	return s.complete(ctx)
}

func (g *Gateway) takeBuffer() *[]byte {
	if b, ok := g.buffers.Get().(*[]byte); ok {
		return b
	}
	b := make([]byte, 0, bufferSize)
	return &b
}

func (g *Gateway) giveBuffer(b *[]byte) {
	if cap(*b) <= keepBuffer {
		g.buffers.Put(b)
	}
}

// maxEvent is how long an event may be: an image comes in one.
func (r *run) maxEvent() int {
	if r.req.Operation == exchange.Images {
		return max(r.g.o.MaxEvent, int(r.g.o.MaxAnswer))
	}
	return r.g.o.MaxEvent
}

// pump relays until the stream's end; nil when that is its proper end.
func (s *stream) pump() *domain.Error {
	for {
		name, data, err := s.events.Next()
		if err != nil {
			s.flush()
			return s.ended(err)
		}
		s.watch.progress(s.g.o.IdleTimeout)
		s.caching.event(string(name), data)
		done, failure := s.chunk(name, data)
		if failure != nil || done {
			s.flush()
			return failure
		}
		if len(s.pending) >= sendAt || !s.events.Waiting() {
			s.flush()
		}
	}
}

// ended is what the end of the bytes means: proper after a finish reason, also without the mark of the end; and after the
// usage, whatever ended it.
func (s *stream) ended(err error) *domain.Error {
	switch {
	case s.ending.final && s.ending.finish != "":
		return nil
	case s.watch.ctx.Err() != nil:
		return endOf(s.watch.ctx)
	case errors.Is(err, io.EOF) && s.ending.finish != "":
		return nil
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	return vendorFailed(fmt.Errorf("stream of vendor %s: %w", s.route.vendor.ID, err))
}

// chunk takes one event in; done when it is the stream's proper end.
func (s *stream) chunk(name, data []byte) (done bool, failure *domain.Error) {
	var step exchange.Step
	var err error
	s.pending, step, err = s.x.Chunk(s.pending, string(name), data, &s.produced)
	switch {
	case err != nil:
		return false, vendorFailed(fmt.Errorf("a chunk of vendor %s: %w", s.route.vendor.ID, err))
	case step.Failure != nil:
		return false, vendorFailed(fmt.Errorf("vendor %s sent an error into its stream (type %s, code %s)", s.route.vendor.ID,
			safe(step.Failure.Type, 60), safe(step.Failure.Code, 60)))
	}
	if step.ID != "" && s.upstreamID == "" {
		s.upstreamID = safe(step.ID, 100)
		s.facts.UpstreamID = s.upstreamID
	}
	if s.facts.FirstTokenMS == 0 && s.produced.Any() {
		s.facts.FirstTokenMS = max(s.elapsed().Milliseconds(), 1)
		s.attempts.FirstToken(s.g.o.Now())
	}
	if step.Finish != "" {
		s.ending.finish, s.ending.native = step.Finish, step.Native
	}
	if step.Report.Given || step.Final && step.Report.Media != nil {
		step.Report.After(&s.ending.report)
		s.ending.report = step.Report
	} else {
		s.ending.report.After(&step.Report)
	}
	s.ending.final = s.ending.final || step.Final
	return step.Done, nil
}

func (s *stream) flush() {
	if len(s.pending) > 0 {
		s.out.send(s.pending)
		s.pending = s.pending[:0]
	}
}

// hangUp reads what comes after the end, which is nothing, so that the connection can be used again. Nobody waits for it.
func (s *stream) hangUp() {
	const most = 4 << 10
	if !s.g.enter() {
		_ = s.body.Close()
		return
	}
	s.watch.limit(hangUpTime)
	go func() {
		defer s.g.running.Done()
		_, _ = io.CopyN(io.Discard, s.body, most) // whatever it says
		_ = s.body.Close()
	}()
}

// complete charges the call and sends the last chunk, which says so, and the mark of the end.
func (s *stream) complete(ctx context.Context) error {
	s.pieces(ctx, &s.ending.report)
	final, failure := s.conclude(ctx, &s.ending, func(b *chat.Bill) []byte { return s.x.AppendEnd(make([]byte, 0, answerRoom), b) })
	if failure != nil {
		return s.broken(ctx, failure)
	}
	s.out.sendLast(final)
	return nil
}

// broken ends a stream before its time.
func (s *stream) broken(ctx context.Context, failure *domain.Error) error {
	s.ending.err = failure
	return s.breakOff(ctx, &s.ending)
}
