package gateway

import (
	"sync"
	"time"
)

// sender is the way to the caller. It may be used by the run and by its clocks at the same time. Once the caller is gone it
// swallows what is sent.
type sender struct {
	mu     sync.Mutex
	client Client
	lost   func() // called once when sending fails
	opened bool   // a stream has begun
	media  string // of a whole answer; see Client
	sound  string // of a stream that is no event stream
	gone   bool
	closed bool

	pulse *time.Timer // says what clients ignore while there is nothing else to send
	sign  string
	every time.Duration
	last  time.Time // when something was sent

	recording bool
	limit     int
	kept      []byte // of the stream, for an answer that is kept
	overflown bool   // it became too long for that

	tape tape // of what is stored for the wallet's owner
}

func (s *sender) init(client Client, lost func()) { s.client, s.lost = client, lost }

func (s *sender) admitted(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.client.Admitted(name)
}

// routed tells how the call was routed, unless a sign of life went out before.
func (s *sender) routed(explanation []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.opened && !s.gone && !s.closed {
		s.client.Routed(explanation)
	}
}

// cached tells what the cache had to do with the call.
func (s *sender) cached(status CacheStatus) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.client.Cached(status)
}

// give sends an answer that is at hand.
func (s *sender) give(streamed bool, answer []byte) {
	if streamed {
		s.sendLast(answer)
		return
	}
	s.whole(answer)
}

// rest sends the end of an answer, or all of it if nothing was sent before.
func (s *sender) rest(p []byte) {
	if s.hasBegun() {
		s.sendLast(p)
		return
	}
	s.whole(p)
}

// keepAlive sends a sign of life whenever a stream was silent for so long; nothing if there is none.
func (s *sender) keepAlive(every time.Duration, sign string) {
	if sign == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.every, s.sign, s.last = every, sign, time.Now()
	s.pulse = time.AfterFunc(every, s.beat)
}

func (s *sender) beat() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.gone {
		return
	}
	now := time.Now()
	if silent := now.Sub(s.last); silent < s.every {
		s.pulse.Reset(s.every - silent)
		return
	}
	s.write([]byte(s.sign))
	s.pulse.Reset(s.every)
}

// record keeps what is sent on the stream, up to limit bytes.
func (s *sender) record(limit int) { s.recording, s.limit = true, limit }

// send sends a part of the stream, which begins with the first.
func (s *sender) send(p []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keep(p)
	s.say(p)
}

// sendLast sends what is recorded already, or not to be.
func (s *sender) sendLast(p []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.say(p)
}

// say writes a part of the answer.
func (s *sender) say(p []byte) {
	if s.write(p) {
		s.tape.note(p)
	}
}

func (s *sender) keep(p []byte) {
	if !s.recording || s.overflown {
		return
	}
	if len(s.kept)+len(p) > s.limit {
		s.kept, s.overflown = nil, true
		return
	}
	s.kept = append(s.kept, p...)
}

// write is send with the lock held. An error means that the caller is gone.
func (s *sender) write(p []byte) bool {
	if s.gone || s.closed {
		return false
	}
	var err error
	if !s.opened {
		s.opened = true
		err = s.client.Open(s.sound, false)
	}
	if err == nil {
		err = s.client.Write(p)
	}
	if err != nil {
		s.gone = true
		s.lost()
		return false
	}
	s.last = time.Now()
	return true
}

// whole sends an answer in one piece.
func (s *sender) whole(body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		return
	}
	if s.client.Whole(s.media, body, false) != nil {
		s.gone = true
		return
	}
	s.tape.note(body)
}

// cut ends a stream that no error can be put into.
func (s *sender) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.gone {
		s.client.Cut()
	}
	s.gone = true
}

// failure is the error object for a stream that has begun.
func (s *sender) failure(err error) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.client.Failure(err)
}

// abandon notes that the caller went away.
func (s *sender) abandon() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = true
}

func (s *sender) isGone() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gone
}

// hasBegun says whether a stream has begun, without changing anything.
func (s *sender) hasBegun() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opened
}

// begun says whether a stream has begun, so that an error has to go into it. If not, none will begin any more.
func (s *sender) begun() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = !s.opened
	return s.opened
}

// close makes sure that nothing touches the client any more.
func (s *sender) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.pulse != nil {
		s.pulse.Stop()
	}
}

// recorded is all that was sent on the stream and what will end it; longer than may be kept if any of it was too long.
func (s *sender) recorded(final []byte) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.overflown {
		return make([]byte, s.limit+1)
	}
	return append(append(make([]byte, 0, len(s.kept)+len(final)), s.kept...), final...)
}

// replay sends the answer of an earlier call.
func (s *sender) replay(streamed bool, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	if !streamed {
		err = s.client.Whole(s.media, body, true)
	} else if err = s.client.Open("", true); err == nil {
		s.opened = true
		err = s.client.Write(body)
	}
	s.gone = s.gone || err != nil
}
