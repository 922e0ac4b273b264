package media

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
	"github.com/massrouter/massrouter/gateway/meter"
	"github.com/massrouter/massrouter/gateway/openai/scan"
)

// MaxImages is how many images a request may ask for.
const MaxImages = 10

// Drawing is a request for images. It refers to the body, which must not change.
type Drawing struct {
	Model  string
	Stream bool
	Count  int64 // of images
	chat.Steering

	body    []byte
	own     []jsonscan.Span // members that no vendor gets, names and values
	model   jsonscan.Span
	prompt  jsontext.Value
	partial int64
	size    string
	quality string
}

// ReadDrawing reads a request for images. Errors are invalid_request, with the detail "param" when one parameter is to blame. Members that
// nobody here has heard of are the vendor's to judge.
func ReadDrawing(body []byte) (*Drawing, error) {
	q := &Drawing{body: body, Count: 1}
	var s scan.Scanner
	s.Strict(body)
	defer s.Drop()
	if err := s.Object(func(name []byte) error { return q.member(&s, name) }); err != nil {
		return nil, err
	}
	if err := s.End(); err != nil {
		return nil, err
	}
	switch {
	case q.Model == "":
		return nil, scan.Refuse("model", "model is required")
	case len(q.prompt) <= len(`""`):
		return nil, scan.Refuse("prompt", "prompt is required and not empty")
	case q.Stream && q.Count > 1:
		return nil, scan.Refuse("n", "an image that is streamed comes alone: n is 1")
	}
	return q, nil
}

// member reads one member.
func (q *Drawing) member(s *scan.Scanner, name []byte) (err error) {
	switch string(name) {
	case "model":
		q.Model, q.model, err = s.Model()
	case "prompt":
		if q.prompt, err = s.Raw(); err == nil && q.prompt != nil && q.prompt.Kind() != '"' {
			err = scan.Refuse("prompt", "prompt is a string")
		}
	case "n":
		n, given, readErr := s.Whole(1, MaxImages)
		if err = readErr; given {
			q.Count = n
		}
	case "stream":
		yes, readErr := s.Bool()
		q.Stream, err = yes != nil && *yes, readErr
	case "partial_images":
		const most = 3
		q.partial, _, err = s.Whole(0, most)
	case "size":
		q.size, err = s.String()
	case "quality":
		q.quality, err = s.String()
	case "response_format":
		var format string
		if format, err = s.String(); err == nil && format != "" && format != "url" && format != "b64_json" {
			err = scan.Refuse("response_format", "response_format is url or b64_json")
		}
	default:
		return other(s, name, &q.Steering, &q.own, "model", "prompt", "n", "stream", "partial_images")
	}
	return err
}

// other reads a member that is for the gateway and not for vendors, or one for them that nobody here looks at. known are the names that
// are looked at.
func other(s *scan.Scanner, name []byte, to *chat.Steering, own *[]jsonscan.Span, known ...string) error {
	if !chat.Steers(name) {
		if err := s.Lookalike(name, known...); err != nil {
			return err
		}
		return s.Skip()
	}
	from, text := s.Named(), string(name)
	value, at, err := s.Value()
	if err != nil {
		return err
	}
	*own = append(*own, jsonscan.Span{From: from.From, To: at.To})
	return to.Take(text, value)
}

// PromptBound is the most tokens that the prompt can have.
func (q *Drawing) PromptBound(context int64) int64 { return min(int64(len(q.body)), context) }

// Prompt gathers what an estimate needs of the prompt.
func (q *Drawing) Prompt() meter.Prompt { return meter.Prompt{Text: jsonscan.Unquoted(q.prompt)} }

// Splice appends the body with the vendor's name of the model, and without what is not for vendors.
func (q *Drawing) Splice(dst []byte, model string) []byte {
	var e jsonscan.Edits
	e.Replace(q.model, jsonscan.AppendString(nil, model))
	e.Remove(q.body, q.own)
	return e.Append(dst, q.body)
}

// tokensOfPartial is what an image that is not finished costs: https://platform.openai.com/docs/guides/image-generation.
const tokensOfPartial = 100

// tokens is what an image is taken to have where its vendor does not say it: OpenAI's table by quality and size, of which the dearest counts
// that can be meant.
func (q *Drawing) tokens() int64 {
	square, upright, wide := int64(4160), int64(6240), int64(6208)
	switch q.quality {
	case "low":
		square, upright, wide = 272, 408, 400
	case "medium", "standard":
		square, upright, wide = 1056, 1584, 1568
	}
	switch q.size {
	case "1024x1024", "512x512", "256x256":
		return square
	case "1536x1024", "1792x1024":
		return wide
	}
	return upright
}
