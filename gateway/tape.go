package gateway

import (
	"bytes"
	"cmp"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/gateway/content"
	"github.com/massrouter/massrouter/gateway/exchange"
)

// tape is the beginning of what was sent to the caller.
type tape struct {
	on     bool
	kept   []byte
	length int64
}

// note takes what was sent just now. It keeps a copy.
func (t *tape) note(p []byte) {
	if !t.on {
		return
	}
	t.length += int64(len(p))
	if room := content.MaxBody - len(t.kept); room > 0 {
		t.kept = append(t.kept, p[:min(room, len(p))]...)
	}
}

// tape begins to note what is sent.
func (s *sender) startTape() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tape.on = true
}

// taped is what was noted, and its media type.
func (s *sender) taped() content.Body {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := content.Body{Bytes: s.tape.kept, Length: s.tape.length, Media: s.media}
	switch {
	case s.opened && s.sound != "":
		b.Media = s.sound
	case s.opened:
		b.Media = "text/event-stream"
	case b.Media == "":
		b.Media = mediaJSON
	}
	if b.Length == 0 {
		b.Media = ""
	}
	return b
}

const mediaJSON = "application/json"

// storeContent hands the call's content over, if its owner wants it stored: the request as it came, and what was sent in answer to it.
func (r *run) storeContent() {
	if r.admitted == uuid.Nil || !r.out.tape.on {
		return
	}
	in := &r.asked
	request := content.Body{Media: mediaJSON, Length: int64(len(in.Body)), Bytes: bytes.Clone(in.Body[:min(len(in.Body), content.MaxBody)])}
	if in.Operation == exchange.Transcription {
		request.Media = `multipart/form-data; boundary="` + in.Boundary + `"`
	}
	r.g.o.Contents.Put(content.Call{
		Generation: r.admitted, Wallet: r.call.WalletID, Key: r.call.KeyID, Dialect: string(in.Dialect), Operation: cmp.Or(string(in.Operation), "chat"), Model: in.Model,
		Streamed: r.facts.Streamed, Error: r.outcome, Request: request, Response: r.out.taped(), StartedAt: r.facts.StartedAt, Retention: r.call.Retention,
	})
}
