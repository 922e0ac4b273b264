package sim

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// transcriptions is OpenAI's POST /v1/audio/transcriptions. Models whose name begins with "whisper" are billed by the second and know all
// formats but no streams. All others have tokens, ten for a second of sound, and answer in JSON. A second is what a WAV says of itself, else
// 4,000 bytes.
type transcriptions struct{ embeddings }

const (
	tokensPerSecond = 10
	bytesPerSecond  = 4000
	maxFields       = 32
)

func (transcriptions) name() string { return "transcriptions" }

func (transcriptions) parse(c *call, r *http.Request) error {
	q := &c.req
	kind, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		return invalid("unsupported_content_type", "", "Unsupported content type: send multipart/form-data.")
	}
	q.media, q.format = true, "json"
	fields := multipart.NewReader(bytes.NewReader(c.body.Bytes()), parameters["boundary"])
	seen := map[string]bool{}
	for {
		part, err := fields.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || len(seen) == maxFields {
			return invalid(codeJSON, "", "We could not parse the form of your request.")
		}
		name := part.FormName()
		data, err := io.ReadAll(part)
		if err != nil {
			return invalid(codeJSON, name, "We could not read '%s'.", clip(name))
		}
		if seen[name] && !strings.HasSuffix(name, "[]") {
			return invalid(codeValue, name, "Duplicate field '%s'.", clip(name))
		}
		seen[name] = true
		if err := q.heard(name, part.FileName(), data); err != nil {
			return err
		}
	}
	q.pieced = strings.HasPrefix(q.model, "whisper")
	switch {
	case q.given == "":
		return invalid(codeMissing, "model", "Missing required parameter: 'model'.")
	case !seen["file"]:
		return invalid(codeMissing, "file", "Missing required parameter: 'file'.")
	case q.pieced && q.stream:
		return invalid(codeValue, "stream", "Invalid value for 'stream': this model does not stream.")
	case !q.pieced && q.format != "json":
		return invalid(codeValue, "response_format", "response_format '%s' is not compatible with model '%s'. Use 'json' instead.", q.format, clip(q.model))
	case q.pieced:
		q.prompt = 0
		q.untold = q.format != "json" && q.format != "verbose_json"
	default:
		q.sound = tokensPerSecond * q.seconds
		q.prompt += q.sound
		q.seconds = 0
	}
	q.kind = "application/json"
	if q.pieced && q.untold {
		q.kind = "text/plain; charset=utf-8"
	}
	return nil
}

// heard takes one field in.
func (q *request) heard(name, file string, data []byte) error {
	text := string(data)
	switch name {
	case "file":
		known := []string{".flac", ".mp3", ".mp4", ".mpeg", ".mpga", ".m4a", ".ogg", ".wav", ".webm"}
		if len(data) == 0 || !slices.Contains(known, file[max(strings.LastIndexByte(file, '.'), 0):]) {
			return invalid(codeValue, "file", "Invalid file format. Supported formats: %s", strings.Join(known, ", "))
		}
		q.hash, q.seconds = xxhash.Sum64(data), secondsOf(data)
	case "model":
		return q.setModel(text)
	case "prompt":
		q.prompt += wordTokens(int64(len(data)))
	case "response_format":
		if !slices.Contains([]string{"json", "verbose_json", "text", "srt", "vtt"}, text) {
			return invalid(codeValue, name, "Invalid value for 'response_format'.")
		}
		q.format = text
	case "stream":
		q.stream = text == "true"
	case "language", "temperature", "timestamp_granularities[]", "include[]", "chunking_strategy":
	default:
		return invalid(codeUnknown, name, "Unknown parameter: '%s'.", clip(name))
	}
	return nil
}

// secondsOf is how long a file is, a begun second being whole.
func secondsOf(file []byte) int64 {
	n, rate := int64(len(file)), int64(bytesPerSecond)
	const head = 44
	if len(file) > head && string(file[:4]) == "RIFF" {
		n -= head
		rate = max(int64(binary.LittleEndian.Uint32(file[28:])), 1)
	}
	return (n + rate - 1) / rate
}

func (transcriptions) begun(c *call) {
	c.used = Usage{Prompt: c.used.Prompt, Sound: c.req.sound, Seconds: c.req.seconds}
}

// written appends the text, escaped for a JSON string.
func (c *call) written(b []byte, n int64) []byte {
	for range n {
		b = c.texts[0].appendNext(b, c.server.words)
	}
	return b
}

func (transcriptions) whole(c *call) {
	q := &c.req
	words := q.controls.tokens
	if q.controls.fault == FaultEmpty {
		words = 0
	}
	if q.untold {
		c.out = c.subtitles(c.out, words)
		return
	}
	b := append(c.out, '{')
	if q.format == "verbose_json" {
		b = append(b, `"task":"transcribe","language":"english","duration":`...)
		b = append(strconv.AppendInt(b, max(q.seconds-1, 0), 10), `.47,"segments":[],`...)
	}
	b = append(c.written(append(b, `"text":"`...), words), '"')
	if q.controls.fault != FaultNoUsage {
		b = c.heardUsage(append(b, `,"usage":`...))
	}
	c.out = append(b, "}\n"...)
}

// subtitles appends the text as one piece of plain text.
func (c *call) subtitles(b []byte, words int64) []byte {
	end := "00:00:" + strconv.FormatInt(10+c.req.seconds%50, 10)
	switch c.req.format {
	case "srt":
		b = append(b, "1\n00:00:00,000 --> "+end+",000\n"...)
	case "vtt":
		b = append(b, "WEBVTT\n\n00:00:00.000 --> "+end+".000\n"...)
	}
	return append(c.written(b, words), "\n\n"...)
}

// heardUsage appends the usage, in tokens or seconds.
func (c *call) heardUsage(b []byte) []byte {
	if !c.req.pieced {
		return append(append(b, `{"type":"tokens",`...), c.mediaUsage(nil, "audio", "input_token_details", "")[1:]...)
	}
	u := wireUsage{Usage: Usage{Completion: c.used.Seconds}}
	if c.req.controls.fault == FaultAbsurdUsage {
		u = absurd(u, c.req.controls.variant)
	}
	return append(u.completion(append(b, `{"type":"duration","seconds":`...), u.Completion), '}')
}

func (transcriptions) open(*call) {}

func (transcriptions) token(c *call, choice int, _ int64) {
	from := len(c.kept)
	c.kept = c.texts[choice].appendNext(c.kept, c.server.words)
	c.out = append(append(c.out, `data: {"type":"transcript.text.delta","delta":"`...), c.kept[from:]...)
	c.out = append(c.out, "\"}\n\n"...)
}

func (transcriptions) close(c *call) (reported bool) {
	fault := c.req.controls.fault
	if fault == FaultEmpty {
		return false
	}
	b := append(append(append(c.out, `data: {"type":"transcript.text.done","text":"`...), c.kept...), '"')
	if fault != FaultNoUsage {
		b = c.heardUsage(append(b, `,"usage":`...))
		reported = fault != FaultAbsurdUsage
	}
	c.out = append(b, "}\n\n"...)
	return reported
}

func (transcriptions) half(c *call, ended bool) {
	c.out = append(c.out, `data: {"type":"transcript.text.delta","delta":"a`...)
	if ended {
		c.out = append(c.out, "\n\n"...)
	}
}

func (transcriptions) failed(c *call) { c.mediaFailed() }
