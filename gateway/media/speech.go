package media

import (
	"encoding/base64"
	"errors"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
	"github.com/massrouter/massrouter/gateway/meter"
	"github.com/massrouter/massrouter/gateway/openai/scan"
)

// Speaking is a request for speech. It refers to the body, which must not change.
type Speaking struct {
	Model      string
	Events     bool   // the sound is wanted in events, not as such
	Media      string // the media type of the sound
	Characters int64  // code points that are to be spoken
	chat.Steering

	body       []byte
	own        []jsonscan.Span // members that no vendor gets, names and values
	model      jsonscan.Span
	form       jsonscan.Span // of stream_format
	close      int           // where the last brace stands
	input, how jsontext.Value
}

// ReadSpeaking reads a request for speech. Errors are invalid_request, with the detail "param" when one parameter is to blame. Members that
// nobody here has heard of are the vendor's to judge.
func ReadSpeaking(body []byte) (*Speaking, error) {
	q := &Speaking{body: body, Media: soundOf("mp3")}
	var s scan.Scanner
	s.Strict(body)
	defer s.Drop()
	if err := s.Object(func(name []byte) error { return q.member(&s, name) }); err != nil {
		return nil, err
	}
	q.close = s.At() - 1
	if err := s.End(); err != nil {
		return nil, err
	}
	switch {
	case q.Model == "":
		return nil, scan.Refuse("model", "model is required")
	case len(q.input) <= len(`""`):
		return nil, scan.Refuse("input", "input is required and not empty")
	}
	q.Characters = int64(utf8.RuneCountInString(jsonscan.Unquoted(q.input)))
	return q, nil
}

// member reads one member.
func (q *Speaking) member(s *scan.Scanner, name []byte) (err error) {
	switch string(name) {
	case "model":
		q.Model, q.model, err = s.Model()
	case "input":
		q.input, err = text(s, "input")
	case "instructions":
		q.how, err = text(s, "instructions")
	case "response_format":
		var format string
		if format, err = s.String(); err == nil && format != "" {
			if q.Media = soundOf(format); q.Media == "" {
				err = scan.Refuse("response_format", "response_format is mp3, opus, aac, flac, wav or pcm")
			}
		}
	case "stream_format":
		var raw jsontext.Value
		if raw, q.form, err = s.Value(); err != nil {
			return err
		}
		switch string(raw) {
		case `"sse"`:
			q.Events = true
		case `"audio"`, "null":
		default:
			err = scan.Refuse("stream_format", "stream_format is sse or audio")
		}
	default:
		return other(s, name, &q.Steering, &q.own, "model", "input", "instructions", "response_format", "stream_format")
	}
	return err
}

// text reads a string; null is none.
func text(s *scan.Scanner, name string) (jsontext.Value, error) {
	raw, err := s.Raw()
	if err == nil && raw != nil && raw.Kind() != '"' {
		err = scan.Refuse(name, "%s is a string", name)
	}
	return raw, err
}

// soundOf is the media type of a format's sound; "" for one that there is not.
func soundOf(format string) string {
	switch format {
	case "mp3":
		return "audio/mpeg"
	case "opus":
		return "audio/ogg"
	case "aac":
		return "audio/aac"
	case "flac":
		return "audio/flac"
	case "wav":
		return "audio/wav"
	case "pcm":
		return "audio/pcm"
	}
	return ""
}

// PromptBound is the most tokens that the text can have.
func (q *Speaking) PromptBound(context int64) int64 { return min(int64(len(q.body)), context) }

// Prompt gathers what an estimate needs of the text.
func (q *Speaking) Prompt() meter.Prompt {
	p := meter.Prompt{Text: jsonscan.Unquoted(q.input)}
	if q.how != nil {
		p.Text += "\n" + jsonscan.Unquoted(q.how)
	}
	return p
}

// Splice appends the body with the vendor's name of the model, and without what is not for vendors. events: the sound shall come in
// events, of which the last one says the usage, whatever the caller asked for.
func (q *Speaking) Splice(dst []byte, model string, events bool) []byte {
	var e jsonscan.Edits
	e.Replace(q.model, jsonscan.AppendString(nil, model))
	e.Remove(q.body, q.own)
	switch {
	case !events || q.Events:
	case q.form.Given():
		e.Replace(q.form, []byte(`"sse"`))
	default:
		e.Add(q.body, q.close, []byte(`"stream_format":"sse"`))
	}
	return e.Append(dst, q.body)
}

// Spoke notes that sound came: all characters, as vendors bill what they are given to say, and the tokens that their sound may have.
// OpenAI's gpt-4o-mini-tts makes about 1,250 a minute, in which some 850 characters are spoken.
func (q *Speaking) Spoke(p *meter.Produced) {
	p.Count(usage.Character, q.Characters)
	p.Count(usage.AudioOutput, (3*q.Characters+1)/2)
}

// Untold is the report of sound that came without one.
func (q *Speaking) Untold() meter.Report {
	return meter.Report{Untold: true, Media: usage.Usage{usage.Character: q.Characters}}
}

// The types of events with sound.
const (
	SoundDelta = "speech.audio.delta"
	SoundDone  = "speech.audio.done"
)

var errNoSound = errors.New("the event has no sound")

// Spoken is an event of a vendor's stream. It refers to its data, which must not change.
type Spoken struct {
	Type   string
	Report meter.Report

	body  []byte
	sound jsontext.Value
	used  jsonscan.Span
	close int // where the last brace stands
}

// Event reads an event.
func (q *Speaking) Event(data []byte) (*Spoken, error) {
	a := &Spoken{body: data}
	var s scan.Scanner
	s.Lenient(data)
	defer s.Drop()
	if s.Kind() != '{' {
		return nil, errNoSound
	}
	err := s.Object(func(name []byte) (err error) {
		switch string(name) {
		case "type":
			a.Type, err = s.String()
		case "audio":
			a.sound, err = s.Raw()
		case "usage":
			var raw jsontext.Value
			if raw, a.used, err = s.Value(); err == nil {
				a.Report = meter.Report{}
				err = readUsage(raw, &a.Report, usage.AudioOutput)
			}
		default:
			err = s.Skip()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	a.close = s.At() - 1
	switch {
	case a.Type == SoundDelta && (a.sound.Kind() != '"' || len(a.sound) <= len(`""`)):
		return nil, errNoSound
	case a.Type == SoundDone && a.Report.Given:
		a.Report.Set(usage.Character, q.Characters)
	case a.Type == SoundDone:
		a.Report = q.Untold()
		a.Report.Untold = false // there is one in this form
	}
	return a, s.End()
}

// AppendSound appends the sound that is in the event.
func (a *Spoken) AppendSound(dst []byte) ([]byte, error) {
	raw, err := base64.StdEncoding.AppendDecode(dst, a.sound[1:len(a.sound)-1])
	if err != nil {
		return dst, errNoSound
	}
	return raw, nil
}

// Own is the event with data of its own.
func (a *Spoken) Own() *Spoken {
	own := *a
	own.body = append([]byte(nil), a.body...)
	return &own
}

// AppendEnd appends the last event of a stream, with its usage.
func (a *Spoken) AppendEnd(dst []byte, b *chat.Bill) []byte {
	var e jsonscan.Edits
	replace(&e, a.body, a.close, []member{{a.used, `"usage":`, appendUsage(nil, b, "input_token_details")}})
	return append(e.Append(append(dst, "event: "+SoundDone+"\ndata: "...), a.body), "\n\n"...)
}
