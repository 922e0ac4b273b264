package sim

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// images is OpenAI's POST /v1/images/generations. Models whose name begins with "dall-e" are billed by the image: their answers have no
// usage. All others have a usage in tokens, those of an image by its quality and size unless the control `tokens` says them, and can be
// streamed. Images are a PNG of one pixel with some bytes of their own behind it.
type images struct{ embeddings }

const (
	maxImages      = 10
	maxPartials    = 3
	maxImagePrompt = 32_000 // bytes
	imageBytes     = 512    // of an image's own
	// An image by its quality (a row: low, medium, high) and its shape.
	squareImage, uprightImage, wideImage = 0, 1, 2
)

func (images) name() string { return "images" }

// drawing is what a request for images says.
type drawing struct {
	format, size, quality, background string
	partial                           int64
	address                           bool // of the images, in place of themselves
}

func (images) parse(c *call, _ *http.Request) error {
	p, q := &c.parser, &c.req
	p.begin(&c.body, c.server.decode, openaiManner)
	q.media, q.drawing = true, drawing{format: "png", size: "auto", quality: "auto", background: "opaque"}
	if err := p.members(func(name []byte) error { return p.drawing(q, name) }); err != nil {
		return err
	}
	if err := p.end(); err != nil {
		return err
	}
	classic := strings.HasPrefix(q.model, "dall-e")
	switch {
	case q.given == "":
		return p.lacks("model")
	case !q.hasMessages:
		return p.lacks("prompt")
	case !classic && q.hasOptions:
		return invalid(codeUnknown, "response_format", "Unknown parameter: 'response_format'.")
	case classic && (q.stream || q.drawing.partial > 0):
		return invalid(codeUnknown, "stream", "Unknown parameter: 'stream'.")
	case classic && strings.HasPrefix(q.model, "dall-e-3") && q.choices > 1:
		return invalid(codeTooLarge, "n", "You must provide n=1 for this model.")
	case q.stream && q.choices > 1:
		return invalid(codeValue, "n", "Invalid value for 'n': one image is streamed at a time.")
	case classic:
		q.prompt, q.pieced = 0, true
		return nil
	}
	q.drawing.address = false
	q.each = tokensOfImage(&q.drawing)
	return nil
}

func (p *parser) drawing(q *request, name []byte) error {
	d := &q.drawing
	switch string(name) {
	case "model":
		text, err := p.word()
		if err != nil {
			return err
		}
		err = q.setModel(string(text))
		d.address = !q.hasOptions && strings.HasPrefix(q.model, "dall-e")
		return err
	case "prompt":
		text, err := p.word()
		if err == nil && (len(text) == 0 || len(text) > maxImagePrompt) {
			return p.bad("it has 1 to %d bytes", maxImagePrompt)
		}
		q.hasMessages, q.prompt, q.hash = true, wordTokens(int64(len(text))), xxhash.Sum64(text)
		return err
	case "n":
		n, err := p.whole(1, maxImages)
		q.choices = int(n)
		return err
	case "stream":
		yes, err := p.truth()
		q.stream = yes
		return err
	case "partial_images":
		n, err := p.whole(0, maxPartials)
		d.partial = n
		return err
	case "size":
		return p.oneOf(&d.size, "auto", "1024x1024", "1536x1024", "1024x1536", "256x256", "512x512", "1792x1024", "1024x1792")
	case "quality":
		return p.oneOf(&d.quality, "auto", "low", "medium", "high", "standard", "hd")
	case "background":
		return p.oneOf(&d.background, "auto", "opaque", "transparent")
	case "output_format":
		return p.oneOf(&d.format, "png", "jpeg", "webp")
	case "moderation", "style":
		return p.oneOf(new(string), "auto", "low", "vivid", "natural")
	case "output_compression":
		_, err := p.whole(0, 100)
		return err
	case "response_format":
		var format string
		err := p.oneOf(&format, "url", "b64_json")
		d.address, q.hasOptions = format == "url", true
		return err
	case "user":
		_, err := p.word()
		return err
	}
	return p.unknown()
}

// oneOf reads one of some words.
func (p *parser) oneOf(to *string, words ...string) error {
	text, err := p.word()
	if err == nil && !slices.Contains(words, string(text)) {
		err = p.bad("supported values are: '%s'", strings.Join(words, "', '"))
	}
	*to = string(text)
	return err
}

// tokensOfImage is OpenAI's table for gpt-image-1: https://platform.openai.com/docs/guides/image-generation.
func tokensOfImage(d *drawing) int64 {
	shape := squareImage
	switch d.size {
	case "1024x1536", "1024x1792":
		shape = uprightImage
	case "1536x1024", "1792x1024":
		shape = wideImage
	}
	switch d.quality {
	case "low":
		return [...]int64{272, 408, 400}[shape]
	case "high", "hd":
		return [...]int64{4160, 6240, 6208}[shape]
	}
	return [...]int64{1056, 1584, 1568}[shape]
}

func (images) begun(c *call) { c.used = Usage{Prompt: c.used.Prompt} }

// picture appends an image, which follows from the model's name, the prompt and its number.
func (c *call) picture(b []byte, number uint64) []byte {
	// A PNG of one pixel, as far as readers look before they decode it.
	raw := append(make([]byte, 0, 8+imageBytes), "\x89PNG\r\n\x1a\n"...)
	state := mix(xxhash.Sum64String(c.req.model) ^ mix(c.req.hash^number))
	for len(raw) < cap(raw) {
		state = mix(state + 1)
		raw = append(raw, byte(state&0xff))
	}
	return base64.StdEncoding.AppendEncode(b, raw)
}

func (images) whole(c *call) {
	q := &c.req
	b := strconv.AppendInt(append(c.out, `{"created":`...), c.created, 10)
	if !q.pieced {
		b = c.drawn(append(b, ','))
	}
	b = append(b, `,"data":[`...)
	for i := range q.choices {
		if q.controls.fault == FaultEmpty {
			break
		}
		c.used.Images++
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '{')
		if q.pieced {
			b = append(b, `"revised_prompt":"The same, said better.",`...)
		}
		if q.drawing.address {
			b = append(b, `"url":"https://images.example/`...)
			b = append(strconv.AppendUint(b, mix(q.hash^uint64(i)), 16), `.png"}`...)
			continue
		}
		b = append(b, `"b64_json":"`...)
		b = append(c.picture(b, uint64(i)), `"}`...)
	}
	b = append(b, ']')
	if !q.pieced && q.controls.fault != FaultNoUsage {
		b = c.mediaUsage(append(b, `,"usage":`...), "image", "input_tokens_details", "output_tokens_details")
	}
	c.out = append(b, "}\n"...)
}

// drawn appends what is said of the images in an answer and in each event.
func (c *call) drawn(b []byte) []byte {
	d := &c.req.drawing
	size, quality := d.size, d.quality
	if size == "auto" {
		size = "1024x1024"
	}
	if quality == "auto" {
		quality = "medium"
	}
	b = appendText(append(b, `"background":`...), d.background)
	b = appendText(append(b, `,"output_format":`...), d.format)
	b = appendText(append(b, `,"quality":`...), quality)
	return appendText(append(b, `,"size":`...), size)
}

// mediaUsage appends a usage in tokens, those of the answer all of one kind.
func (c *call) mediaUsage(b []byte, kind, in, out string) []byte {
	u := c.wireUsage()
	if u.Cached > u.Prompt || u.Reasoning > u.Completion {
		u.total += absurdlyFar // there is neither here
	}
	b = strconv.AppendInt(append(b, `{"input_tokens":`...), u.Prompt, 10)
	b = append(append(append(b, `,"`...), in...), `":{"text_tokens":`...)
	b = strconv.AppendInt(b, u.Prompt-u.Sound, 10)
	b = append(append(append(b, `,"`...), kind...), `_tokens":`...)
	b = strconv.AppendInt(b, u.Sound, 10)
	b = u.completion(append(b, `},"output_tokens":`...), u.Completion)
	if out != "" {
		b = append(append(append(b, `,"`...), out...), `":{"text_tokens":0,"`...)
		b = append(append(b, kind...), `_tokens":`...)
		b = append(u.completion(b, u.Completion), '}')
	}
	return append(strconv.AppendInt(append(b, `,"total_tokens":`...), u.total, 10), '}')
}

func (images) open(*call) {}

// token appends an image that is not finished, at even distances.
func (images) token(c *call, _ int, step int64) {
	d := &c.req.drawing
	for i := range d.partial {
		if step != (i+1)*c.plan.tokens/(d.partial+1) {
			continue
		}
		c.out = append(c.imageEvent("partial_image", uint64(i)+1), `,"partial_image_index":`...)
		c.out = append(strconv.AppendInt(c.out, i, 10), "}\n\n"...)
	}
}

// imageEvent appends an event with an image, without its end.
func (c *call) imageEvent(kind string, number uint64) []byte {
	b := append(append(append(c.out, "event: image_generation."...), kind...), "\ndata: {\"type\":\"image_generation."...)
	b = append(append(b, kind...), `","created_at":`...)
	b = strconv.AppendInt(b, c.created, 10)
	b = c.drawn(append(b, ','))
	b = append(b, `,"b64_json":"`...)
	return append(c.picture(b, number), '"')
}

func (images) close(c *call) (reported bool) {
	fault := c.req.controls.fault
	if fault == FaultEmpty {
		return false
	}
	c.used.Images++
	b := c.imageEvent("completed", 0)
	if fault != FaultNoUsage {
		b = c.mediaUsage(append(b, `,"usage":`...), "image", "input_tokens_details", "output_tokens_details")
		reported = fault != FaultAbsurdUsage
	}
	c.out = append(b, "}\n\n"...)
	return reported
}

func (images) half(c *call, ended bool) {
	c.out = append(c.out, `event: image_generation.completed
data: {"type":"image_generation.completed","b64_json":"iVBOR`...)
	if ended {
		c.out = append(c.out, "\n\n"...)
	}
}

func (images) failed(c *call) { c.mediaFailed() }

// mediaFailed appends the event of an error in a stream that has events of several kinds.
func (c *call) mediaFailed() {
	b := append(c.out, "event: error\ndata: {\"type\":\"error\","...)
	c.out = append(appendOpenAIFailure(b[:len(b)-1], inStream(c.req.controls.variant)), "\n\n"...)
	c.out[len(b)-1] = ','
}
