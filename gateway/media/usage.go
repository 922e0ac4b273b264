package media

import (
	"bytes"
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/meter"
	"github.com/massrouter/massrouter/gateway/openai/scan"
)

// readUsage reads OpenAI's usage of these operations, {"input_tokens", "input_tokens_details", "output_tokens", …} or {"type": "duration",
// "seconds"}. Null is none; anything else that is no object, and numbers that are not whole, break the report. An answer of which no part is
// named is all of class rest.
func readUsage(raw jsontext.Value, r *meter.Report, rest usage.Class) error {
	if raw.Kind() != '{' {
		r.Given = r.Given || raw != nil && raw.Kind() != 'n'
		r.Broken = r.Given
		return nil
	}
	var s scan.Scanner
	s.Lenient(raw)
	defer s.Drop()
	r.Given = true
	named := false
	err := s.Object(func(name []byte) error {
		switch string(name) {
		case "input_tokens", "prompt_tokens":
			return count(&s, r, &r.Prompt)
		case "output_tokens", "completion_tokens":
			return count(&s, r, &r.Completion)
		case "total_tokens":
			r.HasTotal = s.Kind() != 'n'
			return count(&s, r, &r.Total)
		case "input_tokens_details", "input_token_details", "prompt_tokens_details":
			_, err := parts(&s, r, usage.ImageInput, usage.AudioInput)
			return err
		case "output_tokens_details", "output_token_details", "completion_tokens_details":
			n, err := parts(&s, r, usage.ImageOutput, usage.AudioOutput)
			named = named || n
			return err
		case "seconds":
			return seconds(&s, r)
		}
		return s.Skip()
	})
	if err == nil && !named && rest != "" && r.Completion > 0 {
		r.Set(rest, r.Completion)
	}
	return err
}

// parts reads the details of one side; named says whether it had any.
func parts(s *scan.Scanner, r *meter.Report, picture, sound usage.Class) (named bool, err error) {
	err = s.Object(func(name []byte) error {
		class := usage.Class("")
		switch string(name) {
		case "image_tokens":
			class = picture
		case "audio_tokens":
			class = sound
		case "text_tokens":
			named = true
			return s.Skip()
		case "cached_tokens":
			return count(s, r, &r.Cached)
		default:
			return s.Skip()
		}
		named = true
		var n int64
		err := count(s, r, &n)
		r.Set(class, n)
		return err
	})
	return named, err
}

// count reads a whole number; null is none, and anything else breaks the report.
func count(s *scan.Scanner, r *meter.Report, to *int64) error {
	raw, err := s.Raw()
	if err != nil || raw == nil {
		return err
	}
	n, wrong := strconv.ParseInt(string(raw), 10, 64)
	if wrong != nil || bytes.ContainsAny(raw, ".eE") {
		r.Broken = true
		return nil
	}
	*to = n
	return nil
}

// seconds reads a duration, of which a second that has begun is a whole one.
func seconds(s *scan.Scanner, r *meter.Report) error {
	raw, err := s.Raw()
	if err != nil || raw == nil {
		return err
	}
	n, ok := wholeSeconds(string(raw))
	if !ok {
		r.Broken = true
		return nil
	}
	r.Set(usage.Second, n)
	return nil
}

// wholeSeconds is a number of seconds, rounded up; not ok when it is no number, or too large.
func wholeSeconds(number string) (n int64, ok bool) {
	f, err := strconv.ParseFloat(number, 64)
	if err != nil || math.IsNaN(f) || math.Abs(f) > float64(usage.MaxQuantity) {
		return 0, false
	}
	return int64(math.Ceil(f)), true
}

// AppendUsage appends the usage that callers are told: tokens, or the duration where seconds are what was counted. inner is what the details
// of the prompt are called. The cost is a JSON number with all its digits.
func appendUsage(dst []byte, b *chat.Bill, inner string, out ...string) []byte {
	u := b.Usage
	var l scan.List
	dst = append(dst, '{')
	if n := u[usage.Second]; n > 0 {
		dst = l.Int(l.String(dst, "type", "duration"), "seconds", n)
		return append(l.Raw(dst, "cost", b.Cost.Total.String()), '}')
	}
	for _, kind := range out {
		dst = l.String(dst, "type", kind)
	}
	prompt, completion := u.Prompt(), u.Completion()
	pictures, sound := u[usage.ImageInput], u[usage.AudioInput]+u[usage.AudioCacheRead]
	dst = l.Int(dst, "input_tokens", prompt)
	var in scan.List
	dst = append(l.Name(dst, inner), '{')
	dst = in.Int(dst, "text_tokens", prompt-pictures-sound)
	dst = units(&in, dst, "image_tokens", pictures, len(out) == 0)
	dst = append(units(&in, dst, "audio_tokens", sound, len(out) > 0), '}')
	dst = l.Int(dst, "output_tokens", completion)
	dst = l.Int(dst, "total_tokens", prompt+completion)
	dst = units(&l, dst, "images", u[usage.Image], false)
	dst = units(&l, dst, "characters", u[usage.Character], false)
	return append(l.Raw(dst, "cost", b.Cost.Total.String()), '}')
}

// units appends a member with a count; one of zero only if it always stands there.
func units(l *scan.List, dst []byte, name string, n int64, always bool) []byte {
	if n == 0 && !always {
		return dst
	}
	return l.Int(dst, name, n)
}
