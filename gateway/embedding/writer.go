package embedding

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
)

// Convert prepares the answer for the caller. An error means that a vector is none.
func (q *Request) Convert(a *Answer) error {
	if a.through = q.passes(a); a.through {
		return nil
	}
	for i, v := range a.vectors {
		var converted []byte
		var err error
		if q.dialect == chat.OpenAI && q.base64 {
			converted, err = appendBase64(nil, v)
		} else {
			converted, err = appendNumbers(make([]byte, 0, len(v)), v)
		}
		if err != nil {
			return err
		}
		a.vectors[i] = converted
	}
	return nil
}

// passes says whether the answer is in the form that the caller wants. Some vendors of OpenAI's form give numbers whatever is asked for;
// official clients rely on base64.
func (q *Request) passes(a *Answer) bool {
	if a.dialect != q.dialect {
		return false
	}
	if q.dialect == chat.Gemini {
		return true
	}
	kind := jsontext.Kind('[')
	if q.base64 {
		kind = '"'
	}
	for _, v := range a.vectors {
		if v.Kind() != kind {
			return false
		}
	}
	return true
}

// AppendAnswer appends the answer for the caller, after Convert.
func (q *Request) AppendAnswer(dst []byte, a *Answer, t *chat.Told, b *chat.Bill) []byte {
	switch {
	case a.through && q.dialect == chat.Gemini:
		return a.appendThrough(dst, nil, appendGeminiUsage(nil, b))
	case a.through && a.model.Given():
		return a.appendThrough(dst, t, appendOpenAIUsage(nil, b))
	case q.dialect == chat.Gemini:
		return q.appendGeminiAnswer(dst, a, b)
	}
	return appendOpenAIAnswer(dst, a, t, b)
}

// appendThrough appends the vendor's own bytes with another usage and, for OpenAI's form, the names of the generation.
func (a *Answer) appendThrough(dst []byte, t *chat.Told, usage []byte) []byte {
	var e jsonscan.Edits
	name := `,"usageMetadata":`
	if t != nil {
		name = `,"usage":`
		e.Replace(a.model, jsonscan.AppendString(nil, t.Model))
		id := jsonscan.AppendString(nil, t.ID)
		if a.id.Given() {
			e.Replace(a.id, id)
		} else {
			e.Insert(a.close, append([]byte(`,"id":`), id...))
		}
	}
	if a.usage.Given() {
		e.Replace(a.usage, usage)
	} else {
		e.Insert(a.close, append([]byte(name), usage...))
	}
	return e.Append(dst, a.body)
}

func appendOpenAIAnswer(dst []byte, a *Answer, t *chat.Told, b *chat.Bill) []byte {
	dst = append(dst, `{"object":"list","data":[`...)
	for i, v := range a.vectors {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendInt(append(dst, `{"object":"embedding","index":`...), int64(i), 10)
		dst = append(append(append(dst, `,"embedding":`...), v...), '}')
	}
	dst = jsonscan.AppendString(append(dst, `],"model":`...), t.Model)
	dst = jsonscan.AppendString(append(dst, `,"id":`...), t.ID)
	dst = appendOpenAIUsage(append(dst, `,"usage":`...), b)
	return append(dst, '}')
}

func (q *Request) appendGeminiAnswer(dst []byte, a *Answer, b *chat.Bill) []byte {
	if q.Single {
		dst = append(append(append(dst, `{"embedding":{"values":`...), a.vectors[0]...), '}')
	} else {
		dst = append(dst, `{"embeddings":[`...)
		for i, v := range a.vectors {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(append(append(dst, `{"values":`...), v...), '}')
		}
		dst = append(dst, ']')
	}
	dst = appendGeminiUsage(append(dst, `,"usageMetadata":`...), b)
	return append(dst, '}')
}

// appendOpenAIUsage appends the usage that callers are told. The cost is a JSON number with all its digits.
func appendOpenAIUsage(dst []byte, b *chat.Bill) []byte {
	dst = strconv.AppendInt(append(dst, `{"prompt_tokens":`...), b.Usage.Prompt(), 10)
	dst = strconv.AppendInt(append(dst, `,"total_tokens":`...), b.Usage.Prompt(), 10)
	return append(append(append(dst, `,"cost":`...), b.Cost.Total.String()...), '}')
}

func appendGeminiUsage(dst []byte, b *chat.Bill) []byte {
	dst = strconv.AppendInt(append(dst, `{"promptTokenCount":`...), b.Usage.Prompt(), 10)
	dst = strconv.AppendInt(append(dst, `,"totalTokenCount":`...), b.Usage.Prompt(), 10)
	return append(append(append(dst, `,"cost":`...), b.Cost.Total.String()...), '}')
}
