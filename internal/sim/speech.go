package sim

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cespare/xxhash/v2"
)

// speech is OpenAI's POST /v1/audio/speech. Models whose name begins with "tts-1" are billed by the characters of the input and know no
// events. All others have tokens, three for two characters unless the control `tokens` says it, which only events tell. The sound is noise
// behind the first bytes of its format, the same whether or not it comes in events.
type speech struct{ embeddings }

const (
	maxSpoken  = 4096 // characters
	soundBytes = 48   // for each token, or character
)

func (speech) name() string { return "speech" }

// sounds are the formats: their media types, and what they begin with.
func sounds() map[string][2]string {
	return map[string][2]string{
		"mp3": {"audio/mpeg", "ID3"}, "opus": {"audio/ogg", "OggS"}, "aac": {"audio/aac", "\xff\xf1"}, "flac": {"audio/flac", "fLaC"},
		"wav": {"audio/wav", "RIFF"}, "pcm": {"audio/pcm", ""},
	}
}

func (speech) parse(c *call, _ *http.Request) error {
	p, q := &c.parser, &c.req
	p.begin(&c.body, c.server.decode, openaiManner)
	q.media, q.format = true, "mp3"
	if err := p.members(func(name []byte) error { return p.speech(q, name) }); err != nil {
		return err
	}
	if err := p.end(); err != nil {
		return err
	}
	q.pieced = strings.HasPrefix(q.model, "tts-1")
	switch {
	case q.given == "":
		return p.lacks("model")
	case q.characters == 0:
		return p.lacks("input")
	case q.named == "":
		return p.lacks("voice")
	case q.pieced && q.stream:
		return invalid(codeValue, "stream_format", "Invalid value for 'stream_format': this model does not support 'sse'.")
	}
	q.kind = sounds()[q.format][0]
	q.echoes = append(q.echoes, sounds()[q.format][1])
	if q.pieced {
		q.prompt = 0
		return nil
	}
	q.each, q.untold = (3*q.characters+1)/2, !q.stream
	return nil
}

// speech reads one member; named is the voice.
func (p *parser) speech(q *request, name []byte) error {
	switch string(name) {
	case "model":
		text, err := p.word()
		if err != nil {
			return err
		}
		return q.setModel(string(text))
	case "input":
		text, err := p.word()
		q.characters = int64(utf8.RuneCount(text))
		if err == nil && (q.characters == 0 || q.characters > maxSpoken) {
			return p.bad("it has 1 to %d characters", maxSpoken)
		}
		q.prompt, q.hash = wordTokens(int64(len(text))), xxhash.Sum64(text)
		return err
	case "voice":
		text, err := p.word()
		q.named = string(text)
		return err
	case "instructions":
		_, err := p.word()
		return err
	case "speed":
		_, err := p.decimal(0.25, 4)
		return err
	case "response_format":
		return p.oneOf(&q.format, "mp3", "opus", "aac", "flac", "wav", "pcm")
	case "stream_format":
		var form string
		err := p.oneOf(&form, "audio", "sse")
		q.stream = form == "sse"
		return err
	}
	return p.unknown()
}

func (speech) begun(c *call) { c.used = Usage{Prompt: c.used.Prompt, Characters: c.req.characters} }

// sound appends the noise of a token, the first one behind the mark of its format.
func (c *call) sound(b []byte, step int64) []byte {
	if step == 0 {
		b = append(b, c.req.echoes[0]...)
	}
	state := mix(xxhash.Sum64String(c.req.model) ^ mix(c.req.hash^uint64(step))) //nolint:gosec // only the bits matter
	for range soundBytes {
		state = mix(state + 1)
		b = append(b, byte(state&0xff))
	}
	return b
}

func (speech) whole(c *call) {
	n := c.plan.tokens
	if c.req.pieced && c.req.controls.fault != FaultEmpty {
		n = c.req.characters
	}
	for step := range n {
		c.out = c.sound(c.out, step)
	}
}

func (speech) open(*call) {}

func (speech) token(c *call, _ int, step int64) {
	c.out = append(c.out, `data: {"type":"speech.audio.delta","audio":"`...)
	c.out = base64.StdEncoding.AppendEncode(c.out, c.sound(nil, step))
	c.out = append(c.out, "\"}\n\n"...)
}

func (speech) close(c *call) (reported bool) {
	fault := c.req.controls.fault
	if fault == FaultEmpty {
		return false
	}
	b := append(c.out, `data: {"type":"speech.audio.done"`...)
	if fault != FaultNoUsage {
		u := c.wireUsage()
		if u.Cached > u.Prompt || u.Reasoning > u.Completion {
			u.total += absurdlyFar // there is neither here
		}
		b = strconv.AppendInt(append(b, `,"usage":{"input_tokens":`...), u.Prompt, 10)
		b = u.completion(append(b, `,"output_tokens":`...), u.Completion)
		b = append(strconv.AppendInt(append(b, `,"total_tokens":`...), u.total, 10), '}')
		reported = fault != FaultAbsurdUsage
	}
	c.out = append(b, "}\n\n"...)
	return reported
}

func (speech) half(c *call, ended bool) {
	c.out = append(c.out, `data: {"type":"speech.audio.delta","audio":"AAAA`...)
	if ended {
		c.out = append(c.out, "\n\n"...)
	}
}

func (speech) failed(c *call) { c.mediaFailed() }
