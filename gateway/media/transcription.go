package media

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
	"github.com/massrouter/massrouter/gateway/meter"
	"github.com/massrouter/massrouter/gateway/openai/scan"
)

// Hearing is a request for a transcription. It refers to the body, which must not change.
type Hearing struct {
	Model   string
	Stream  bool
	Media   string // the media type of the answer; "" for JSON
	Seconds int64  // of sound, at most; see Longest
	chat.Steering

	fields   []field // what vendors get; the model's is the one at place
	place    int
	file     []byte
	prompt   string
	boundary string
}

// ReadHearing reads a form that asks for a transcription. Errors are invalid_request, with the detail "param" when one field is to blame.
// Fields that nobody here has heard of are the vendor's to judge.
func ReadHearing(body []byte, boundary string) (*Hearing, error) {
	q := &Hearing{place: -1, boundary: boundaryOf(body)}
	fields, err := readForm(body, boundary)
	if err != nil {
		return nil, err
	}
	for i := range fields {
		if err := q.field(&fields[i]); err != nil {
			return nil, err
		}
	}
	switch {
	case q.Model == "":
		return nil, scan.Refuse("model", "model is required")
	case len(q.file) == 0:
		return nil, scan.Refuse("file", "file is required and not empty")
	case q.Stream && q.Media != "":
		return nil, scan.Refuse("stream", "only a transcription as json can be streamed")
	}
	q.Seconds = Longest(q.file)
	return q, nil
}

// field takes one field in.
func (q *Hearing) field(f *field) error {
	const longest = 256
	text := string(f.data)
	if f.file != (f.name == "file") {
		return scan.Refuse(f.name, "the one file of the form is file")
	}
	switch f.name {
	case "file":
		q.file = f.data
	case "model":
		if len(text) > longest {
			return scan.Refuse("model", "model is a string, and not longer than any model's name")
		}
		q.Model, q.place = text, len(q.fields)
	case "prompt":
		q.prompt = text
	case "stream":
		yes, err := strconv.ParseBool(text)
		if err != nil {
			return scan.Refuse("stream", "stream is true or false")
		}
		q.Stream = yes
	case "response_format":
		switch text {
		case "json", "verbose_json", "diarized_json", "":
		case "text", "srt":
			q.Media = "text/plain; charset=utf-8"
		case "vtt":
			q.Media = "text/vtt; charset=utf-8"
		default:
			return scan.Refuse("response_format", "response_format is json, verbose_json, diarized_json, text, srt or vtt")
		}
	default:
		if chat.Steers([]byte(f.name)) {
			value := jsontext.Value(f.data)
			if !value.IsValid() {
				return scan.Refuse(f.name, "%s is JSON", f.name)
			}
			return q.Take(f.name, value)
		}
		for _, known := range []string{"file", "model", "prompt", "stream", "response_format"} {
			if strings.EqualFold(known, strings.TrimSuffix(f.name, "[]")) {
				return scan.Refuse(known, "%s is written as it is here", known)
			}
		}
	}
	q.fields = append(q.fields, *f)
	return nil
}

// ContentType is that of the form for the vendor.
func (q *Hearing) ContentType() string { return "multipart/form-data; boundary=" + q.boundary }

// Append appends the form with the vendor's name of the model, and without what is not for vendors. The file loses its name but for the end
// that tells its format.
func (q *Hearing) Append(dst []byte, model string) []byte {
	fields := append([]field(nil), q.fields...)
	fields[q.place].data = []byte(model)
	return appendForm(dst, fields, q.boundary)
}

// Prompt gathers what an estimate needs of the prompt, beside the sound.
func (q *Hearing) Prompt() meter.Prompt { return meter.Prompt{Text: q.prompt} }

// tokensOfSecond is what a second of sound is taken to have in tokens where its vendor does not say it: OpenAI's price by the minute of
// gpt-4o-transcribe is that of 1,000 tokens.
const tokensOfSecond = 17

// Heard notes that the sound was heard: in seconds, or in tokens where these are what costs.
func (q *Hearing) Heard(p *meter.Produced, tokens bool) {
	p.Mark()
	n := min(Length(q.file), q.Seconds)
	if tokens {
		p.Count(usage.AudioInput, n*tokensOfSecond)
		return
	}
	p.Count(usage.Second, n)
}

// Written is a vendor's answer, or an event of its stream. It refers to the body, which must not change.
type Written struct {
	Type   string // of an event
	Report meter.Report

	body     []byte
	text     jsontext.Value
	duration int64 // seconds, where the answer says them apart from the usage
	used     jsonscan.Span
	close    int // where the last brace stands
}

// The types of events with text.
const (
	TextDelta = "transcript.text.delta"
	TextDone  = "transcript.text.done"
)

var errNoText = domain.Errorf(domain.CodeInvalid, "the answer is no transcription")

// Answer reads a whole answer; its text is added to p. An error means that it is none.
func (q *Hearing) Answer(body []byte, p *meter.Produced) (*Written, error) {
	if q.Media != "" {
		p.Add(0, 0, meter.Visible, jsonscan.AppendString(nil, string(body)))
		return &Written{body: body, Report: meter.Report{Untold: true}}, nil
	}
	a, err := readWritten(body)
	if err == nil && a.text.Kind() != '"' {
		err = errNoText
	}
	if err != nil {
		return nil, err
	}
	p.Add(0, 0, meter.Visible, a.text)
	return a, nil
}

// Event reads an event of a stream; its text is added to p.
func (q *Hearing) Event(data []byte, p *meter.Produced) (*Written, error) {
	a, err := readWritten(data)
	if err == nil && a.Type == TextDelta {
		p.Add(0, 0, meter.Visible, a.text)
	}
	return a, err
}

func readWritten(body []byte) (*Written, error) {
	a := &Written{body: body}
	var s scan.Scanner
	s.Lenient(body)
	defer s.Drop()
	if s.Kind() != '{' {
		return nil, errNoText
	}
	err := s.Object(func(name []byte) (err error) {
		switch string(name) {
		case "type":
			a.Type, err = s.String()
		case "text", "delta":
			a.text, err = s.Raw()
		case "duration":
			var raw jsontext.Value
			if raw, err = s.Raw(); err == nil && raw != nil {
				a.duration, _ = wholeSeconds(strings.Trim(string(raw), `"`)) // some say it in a string
			}
		case "usage":
			var raw jsontext.Value
			if raw, a.used, err = s.Value(); err == nil {
				a.Report = meter.Report{}
				err = readUsage(raw, &a.Report, "")
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
	if !a.Report.Given && a.duration > 0 {
		a.Report.Given = true
		a.Report.Set(usage.Second, a.duration)
	}
	return a, s.End()
}

// Own is the answer with a body of its own.
func (a *Written) Own() *Written {
	own := *a
	own.body, own.text = append([]byte(nil), a.body...), nil
	return &own
}

// AppendAnswer appends the answer for the caller: the vendor's bytes, in JSON with another usage.
func (q *Hearing) AppendAnswer(dst []byte, a *Written, b *chat.Bill) []byte {
	if q.Media != "" {
		return append(dst, a.body...)
	}
	var e jsonscan.Edits
	replace(&e, a.body, a.close, []member{{a.used, `"usage":`, appendUsage(nil, b, "input_token_details", "tokens")}})
	return e.Append(dst, a.body)
}

// AppendEnd appends the last event of a stream, with its usage.
func (q *Hearing) AppendEnd(dst []byte, a *Written, b *chat.Bill) []byte {
	return append(q.AppendAnswer(append(dst, "event: "+TextDone+"\ndata: "...), a, b), "\n\n"...)
}
