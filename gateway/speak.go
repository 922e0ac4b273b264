package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/exchange"
	"github.com/massrouter/massrouter/gateway/meter"
	"github.com/massrouter/massrouter/gateway/sse"
)

// soundPiece is how much of an answer that is sound is read at once, and mostly the most of it that is held back until the call is charged.
const soundPiece = 8 << 10

// hearing is an answer that is sound. It is passed on as it comes, all but its last piece: that follows when the call is charged. One that
// is no longer than a piece goes out whole.
type hearing struct {
	*run
	sound  exchange.Sound
	body   io.Reader
	tail   []byte // not sent yet
	length int64
	ending ending
}

// speak calls the vendor for sound. Where the price counts tokens the vendor is asked for events, of which the last one says them, and the
// caller gets what is in them.
func (r *run) speak(ctx context.Context) error {
	h := &hearing{run: r, ending: ending{report: meter.Report{Untold: true}}}
	h.ending.text = func() *meter.Produced { return &r.produced }
	r.out.sound = r.req.Media
	resp, failure := r.post(ctx)
	if failure == nil {
		failure = h.hear(resp)
		_ = resp.Body.Close() // read to its end, or given up
	}
	if failure != nil {
		return h.broken(ctx, failure)
	}
	r.pieces(ctx, &h.ending.report)
	final, failure := r.conclude(ctx, &h.ending, func(*chat.Bill) []byte { return h.tail })
	if failure != nil {
		return h.broken(ctx, failure)
	}
	r.out.rest(final)
	return nil
}

// hear takes the answer in, in whichever form it comes.
func (h *hearing) hear(resp *http.Response) *domain.Error {
	sound, ok := h.x.(exchange.Sound)
	if !ok {
		return domain.Errorf(domain.CodeInternal, "something went wrong on our side").Wrap(errors.New("the exchange gives no sound"))
	}
	h.sound, h.body = sound, resp.Body
	kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	switch {
	case resp.Header.Get("Content-Encoding") != "":
		return vendorFailed(fmt.Errorf("vendor %s sent sound in an encoding", h.route.vendor.ID))
	case err == nil && kind == "text/event-stream":
		return h.unpack()
	case err == nil && (strings.HasPrefix(kind, "audio/") || kind == "application/octet-stream"):
		return h.pour()
	}
	said, _ := io.ReadAll(io.LimitReader(h.body, maxFailure)) // what there is of it
	f := h.x.Failure(said)
	if f == nil {
		f = new(chat.Failure)
	}
	return vendorFailed(fmt.Errorf("vendor %s answered with no sound (%s, type %s, code %s)", h.route.vendor.ID, safe(kind, 60), safe(f.Type, 60), safe(f.Code, 60)))
}

// pour passes on sound that comes as such.
func (h *hearing) pour() *domain.Error {
	for {
		piece := make([]byte, soundPiece)
		n, err := h.body.Read(piece)
		if failure := h.add(piece[:n:n]); failure != nil {
			return failure
		}
		switch {
		case errors.Is(err, io.EOF):
			return h.done(chat.Stopped, h.sound.Untold())
		case err != nil:
			return h.ended(err)
		}
	}
}

// unpack passes on sound that comes in events.
func (h *hearing) unpack() *domain.Error {
	in := h.g.takeBuffer()
	events := sse.NewEvents(h.body, *in, h.g.o.MaxEvent)
	defer func() {
		*in = events.Buffer()
		h.g.giveBuffer(in)
	}()
	for {
		_, data, err := events.Next()
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return h.ended(err)
		}
		piece, step, err := h.sound.Unpack(nil, data)
		switch {
		case err != nil:
			return vendorFailed(fmt.Errorf("an event of vendor %s: %w", h.route.vendor.ID, err))
		case step.Failure != nil:
			return vendorFailed(fmt.Errorf("vendor %s sent an error into its stream (type %s, code %s)", h.route.vendor.ID,
				safe(step.Failure.Type, 60), safe(step.Failure.Code, 60)))
		}
		if failure := h.add(piece); failure != nil {
			return failure
		}
		if step.Done {
			return h.done(step.Finish, step.Report)
		}
	}
}

// add takes a piece of the sound in, and sends the one before it.
func (h *hearing) add(piece []byte) *domain.Error {
	if len(piece) == 0 {
		return nil
	}
	if h.length += int64(len(piece)); h.length > h.g.o.MaxAnswer {
		return vendorFailed(fmt.Errorf("read the answer of vendor %s: %w", h.route.vendor.ID, errTooLong))
	}
	h.watch.progress(h.g.o.RequestTimeout)
	h.caching.piece(piece)
	if !h.produced.Any() {
		h.sound.Heard(&h.produced)
		h.facts.FirstTokenMS = max(h.elapsed().Milliseconds(), 1)
		h.attempts.FirstToken(h.g.o.Now())
	}
	if len(h.tail)+len(piece) <= soundPiece {
		h.tail = append(h.tail, piece...)
		return nil
	}
	if len(h.tail) > 0 {
		h.out.send(h.tail)
	}
	h.tail = piece
	return nil
}

func (h *hearing) done(finish chat.Finish, report meter.Report) *domain.Error {
	if h.length == 0 {
		return vendorFailed(fmt.Errorf("vendor %s answered with no sound", h.route.vendor.ID))
	}
	h.ending.final, h.ending.finish, h.ending.report = true, finish, report
	return nil
}

func (h *hearing) ended(err error) *domain.Error {
	if h.watch.ctx.Err() != nil {
		return endOf(h.watch.ctx)
	}
	return vendorFailed(fmt.Errorf("read the answer of vendor %s: %w", h.route.vendor.ID, err))
}

// broken ends a call before its time. Sound has no place for an error: who has some of it loses the connection.
func (h *hearing) broken(ctx context.Context, failure *domain.Error) error {
	h.ending.err = failure
	if h.out.hasBegun() {
		defer h.out.cut()
	}
	return h.breakOff(ctx, &h.ending)
}

// seen says whether the caller owes what was produced of a call that broke: of a stream always; of sound if the caller is the one who left,
// with some of it.
func (r *run) seen(err *domain.Error) bool {
	if r.req.Operation == exchange.Speech && err != nil {
		return err.Code == CodeClientGone && r.out.hasBegun()
	}
	return r.facts.Streamed
}
