package gemini

import (
	"bytes"
	"math"
	"strconv"

	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
	"github.com/massrouter/massrouter/gateway/meter"
)

// report reads usageMetadata and says where it stands. Null is no report; anything else that is no object is a broken one,
// and numbers that are not whole break it too.
func (w *walker) report(u *meter.Report) (jsonscan.Span, error) {
	if kind := w.Kind(); kind != '{' {
		_, at, err := w.Value()
		if kind != 'n' {
			*u = meter.Report{Given: true, Broken: true, Media: u.Media}
		}
		return at, err
	}
	*u = meter.Report{Given: true, Media: u.Media}
	var prompt, tools, candidates, thoughts, cachedPictures int64
	err := w.object(func(name []byte) error {
		switch string(name) {
		case "promptTokenCount":
			return w.tokens(u, &prompt)
		case "toolUsePromptTokenCount":
			return w.tokens(u, &tools)
		case "cachedContentTokenCount":
			return w.tokens(u, &u.Cached)
		case "candidatesTokenCount":
			return w.tokens(u, &candidates)
		case "thoughtsTokenCount":
			return w.tokens(u, &thoughts)
		case "totalTokenCount":
			u.HasTotal = w.Kind() != 'n'
			return w.tokens(u, &u.Total)
		case "promptTokensDetails", "toolUsePromptTokensDetails":
			return w.modalities(u, func(sound, pictures int64) {
				u.Add(usage.AudioInput, sound)
				u.Add(usage.ImageInput, pictures)
			})
		case "cacheTokensDetails":
			return w.modalities(u, func(sound, pictures int64) {
				u.Add(usage.AudioCacheRead, sound)
				cachedPictures += pictures
			})
		case "candidatesTokensDetails":
			return w.modalities(u, func(sound, pictures int64) {
				u.Add(usage.AudioOutput, sound)
				u.Add(usage.ImageOutput, pictures)
			})
		}
		return w.Skip()
	})
	if cachedPictures > 0 { // they are billed as what a cache served, and are part of the pictures of the prompt
		u.Set(usage.ImageInput, u.Media[usage.ImageInput]-cachedPictures)
	}
	u.Prompt, u.Completion, u.Reasoning = sum(u, prompt, tools), sum(u, candidates, thoughts), thoughts
	return w.Last(), err
}

// modalities reads how many tokens are of which modality. Video and documents are billed as text is.
func (w *walker) modalities(u *meter.Report, take func(sound, pictures int64)) error {
	return w.array(func() error {
		var modality string
		var n int64
		err := w.object(func(name []byte) (err error) {
			switch string(name) {
			case "modality":
				modality, err = w.text()
			case "tokenCount":
				err = w.tokens(u, &n)
			default:
				err = w.Skip()
			}
			return err
		})
		switch modality {
		case "AUDIO":
			take(n, 0)
		case "IMAGE":
			take(0, n)
		}
		return err
	})
}

// grounding counts the searches that an answer is grounded on.
func (w *walker) grounding(u *meter.Report) error {
	return w.object(func(name []byte) error {
		if string(name) != "webSearchQueries" || w.Kind() != '[' {
			return w.Skip()
		}
		return w.array(func() error {
			u.Add(usage.Search, 1)
			return w.Skip()
		})
	})
}

// tokens reads a count; null is none.
func (w *walker) tokens(u *meter.Report, n *int64) error {
	raw, _, err := w.Value()
	if err != nil || raw.Kind() == 'n' {
		return err
	}
	v, err := strconv.ParseInt(string(raw), 10, 64)
	if raw.Kind() != '0' || bytes.ContainsAny(raw, ".eE") || err != nil {
		u.Broken = true
		return nil
	}
	*n = v
	return nil
}

// sum adds two counts so that a negative one stays visible.
func sum(u *meter.Report, a, b int64) int64 {
	switch {
	case a < 0 || b < 0:
		return min(a, b)
	case a > math.MaxInt64-b:
		u.Broken = true
		return 0
	}
	return a + b
}

// AppendUsage appends the usageMetadata that the caller is told: promptTokenCount has all of the input, thoughts stand apart
// from candidates, and cost is a JSON number with all its digits.
func AppendUsage(dst []byte, u usage.Usage, cost chat.Cost) []byte {
	prompt, completion := u.Prompt(), u.Completion()
	dst = strconv.AppendInt(append(dst, `{"promptTokenCount":`...), prompt, 10)
	if n := u[usage.CacheRead] + u[usage.AudioCacheRead]; n > 0 {
		dst = strconv.AppendInt(append(dst, `,"cachedContentTokenCount":`...), n, 10)
	}
	dst = strconv.AppendInt(append(dst, `,"candidatesTokenCount":`...), completion-u[usage.Reasoning], 10)
	if n := u[usage.Reasoning]; n > 0 {
		dst = strconv.AppendInt(append(dst, `,"thoughtsTokenCount":`...), n, 10)
	}
	dst = strconv.AppendInt(append(dst, `,"totalTokenCount":`...), prompt+completion, 10)
	dst = appendModalities(dst, "promptTokensDetails", u[usage.AudioInput]+u[usage.AudioCacheRead], u[usage.ImageInput])
	dst = appendModalities(dst, "candidatesTokensDetails", u[usage.AudioOutput], u[usage.ImageOutput])
	return append(append(append(dst, `,"cost":`...), cost.Total.String()...), '}')
}

// appendModalities appends the tokens that are of sound and of pictures; nothing when all are of text.
func appendModalities(dst []byte, name string, sound, pictures int64) []byte {
	if sound == 0 && pictures == 0 {
		return dst
	}
	dst = append(append(append(dst, `,"`...), name...), `":[`...)
	if sound > 0 {
		dst = append(strconv.AppendInt(append(dst, `{"modality":"AUDIO","tokenCount":`...), sound, 10), '}')
	}
	if pictures > 0 {
		if sound > 0 {
			dst = append(dst, ',')
		}
		dst = append(strconv.AppendInt(append(dst, `{"modality":"IMAGE","tokenCount":`...), pictures, 10), '}')
	}
	return append(dst, ']')
}
