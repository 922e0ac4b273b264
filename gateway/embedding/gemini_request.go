package embedding

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
	"github.com/massrouter/massrouter/gateway/openai/scan"
)

// readGemini reads the body of embedContent, or the requests of batchEmbedContents, each of which is one.
func (q *Request) readGemini() error {
	var s scan.Scanner
	s.Strict(q.body)
	defer s.Drop()
	if q.Single {
		raw, at, err := s.Value()
		if err != nil {
			return err
		}
		if err := s.End(); err != nil {
			return err
		}
		return q.content(raw, at.From, "")
	}
	err := s.Object(func(name []byte) error {
		switch {
		case chat.Steers(name):
			return q.steer(&s, string(name), 0)
		case string(name) != "requests":
			q.without(string(name))
			return s.Skip()
		}
		return s.Array(func(i int) error {
			if i == MaxInputs {
				return scan.Refuse("requests", "requests has at most %d elements", MaxInputs)
			}
			raw, at, err := s.Value()
			if err != nil {
				return err
			}
			return q.content(raw, at.From, "requests["+strconv.Itoa(i)+"].")
		})
	})
	if err != nil {
		return err
	}
	if err := s.End(); err != nil {
		return err
	}
	if len(q.inputs) == 0 {
		return scan.Refuse("requests", "requests is required and not empty")
	}
	return nil
}

// item is one EmbedContentRequest.
type item struct {
	input
	dimensions int64
	model      jsonscan.Span // in the text of the request
	opaque     bool          // it has something else than texts
}

// content reads an EmbedContentRequest that begins at a place of the body.
func (q *Request) content(raw jsontext.Value, begin int, path string) error {
	var s scan.Scanner
	s.Strict(raw)
	defer s.Drop()
	if s.Kind() != '{' {
		return scan.Refuse(strings.TrimSuffix(path, "."), "an embedding is asked for with a JSON object")
	}
	it := item{input: input{other: path + "content"}}
	found := false
	err := s.Object(func(name []byte) (err error) {
		switch camel(name) {
		case "model":
			_, it.model, err = s.Value()
		case "content":
			found = true
			err = q.parts(&s, &it)
		case "outputDimensionality":
			it.dimensions, _, err = s.Whole(1, MaxDimensions)
		case "taskType":
			var text string
			text, err = s.String()
			if text != "" && text != "TASK_TYPE_UNSPECIFIED" {
				q.without(path + "taskType") // OpenAI's own models have no such thing
			}
		default:
			if q.Single && chat.Steers(name) {
				return q.steer(&s, string(name), begin)
			}
			if s.Kind() != 'n' {
				q.without(path + string(name))
			}
			err = s.Skip()
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case !found:
		return scan.Refuse(path+"content", "%scontent is required", path)
	case len(q.inputs) > 0 && it.dimensions != q.dimensions:
		q.without(path + "outputDimensionality")
	}
	q.dimensions = it.dimensions
	q.inputs = append(q.inputs, it.input)
	if it.model.Given() {
		q.names = append(q.names, jsonscan.Span{From: begin + it.model.From, To: begin + it.model.To})
	} else if !q.Single {
		q.nameIn = append(q.nameIn, begin+1)
	}
	return nil
}

// parts reads a Content. Only one with a single text can be said in other forms.
func (q *Request) parts(s *scan.Scanner, it *item) error {
	if s.Kind() == '"' {
		_ = s.Skip() // it is refused in any case
		return scan.Refuse(it.other, "%s is an object with parts", it.other)
	}
	n := 0
	err := s.Object(func(name []byte) error {
		if string(name) != "parts" {
			return s.Skip()
		}
		read := func(i int) error {
			if n++; i == maxParts {
				return scan.Refuse(it.other, "an input has at most %d parts", maxParts)
			}
			return s.Object(func(name []byte) error {
				if string(name) != "text" {
					it.opaque = true
					return s.Skip()
				}
				if s.Kind() != '"' {
					return scan.Refuse(it.other, "a text is a string")
				}
				raw, err := s.Raw()
				it.texts = append(it.texts, raw)
				return err
			})
		}
		if s.Kind() == '{' { // one part may stand without a list
			return read(0)
		}
		return s.Array(read)
	})
	switch {
	case err != nil:
		return err
	case n == 0:
		return scan.Refuse(it.other, "%s.parts is required and not empty", it.other)
	case !it.opaque && len(it.texts) != n:
		return scan.Refuse(it.other, "%s has a part without a text", it.other)
	case !it.opaque && n == 1:
		it.other = ""
	}
	q.opaque = q.opaque || it.opaque
	return nil
}

// camel is a member's name as Gemini's reference has it; clients also write it with underscores.
func camel(name []byte) string {
	words := strings.Split(string(name), "_")
	for i, word := range words[1:] {
		if word != "" {
			words[i+1] = strings.ToUpper(word[:1]) + word[1:]
		}
	}
	return strings.Join(words, "")
}

// geminiModel is the name of a model as it stands in bodies.
func geminiModel(model string) string {
	if strings.Contains(model, "/") {
		return model
	}
	return "models/" + model
}

// appendGemini writes the texts as batchEmbedContents.
func (q *Request) appendGemini(dst []byte, model string) []byte {
	name := jsonscan.AppendString(nil, geminiModel(model))
	dst = append(dst, `{"requests":[`...)
	for i := range q.inputs {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(dst, `{"model":`...), name...)
		dst = append(append(dst, `,"content":{"parts":[{"text":`...), q.inputs[i].texts[0]...)
		dst = append(dst, `}]}`...)
		if task := q.purpose.gemini(); task != "" {
			dst = append(append(append(dst, `,"taskType":"`...), task...), '"')
		}
		if q.dimensions > 0 {
			dst = strconv.AppendInt(append(dst, `,"outputDimensionality":`...), q.dimensions, 10)
		}
		dst = append(dst, '}')
	}
	return append(dst, `]}`...)
}

// GeminiPath is where a model takes calls, below the address of the API's version. See gemini.Path.
func GeminiPath(model string, single bool) string {
	segments := strings.Split(geminiModel(model), "/")
	for i := range segments {
		segments[i] = url.PathEscape(segments[i])
	}
	verb := ":batchEmbedContents"
	if single {
		verb = ":embedContent"
	}
	return strings.Join(segments, "/") + verb
}
