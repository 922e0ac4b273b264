package gemini

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/meter"
)

// MaxChoices bounds the candidates of an answer.
const MaxChoices = 128

// chunk is an answer object: a whole answer, or what one event of a stream brings. The id comes after the candidates, so
// that it is read before anything is made of it.
type chunk struct {
	id         string
	created    int64
	candidates []candidate
	block      string // why the prompt was refused
	report     meter.Report
	failure    *chat.Failure
	shaped     bool // something of it is of this dialect
}

type candidate struct {
	index  int
	pieces []piece
	native string
}

// piece is a part of a candidate as it stands there.
type piece struct {
	text      string
	thought   bool
	signature string
	call      *chat.Call
	media     *chat.Media
}

// kind is what a piece without a call or media is.
func (p *piece) kind() chat.PartKind {
	if p.thought {
		return chat.Thinking
	}
	return chat.Text
}

// read reads an answer object, also one in an array of one.
func (c *chunk) read(w *walker, body []byte) error {
	*c = chunk{candidates: c.candidates[:0]}
	w.Lenient(body)
	if kind := w.Kind(); kind != '{' && kind != '[' && kind != 0 {
		return domain.Errorf(domain.CodeInvalid, "the answer is not a JSON object")
	}
	if err := w.array(func() error { return w.object(func(name []byte) error { return c.member(w, name) }) }); err != nil {
		return err
	}
	return w.End()
}

func (c *chunk) member(w *walker, name []byte) (err error) {
	switch string(name) {
	case "candidates":
		c.shaped = true
		err = w.array(func() error { return c.candidate(w) })
	case "promptFeedback":
		c.shaped = true
		err = w.object(func(name []byte) (err error) {
			if string(name) != "blockReason" {
				return w.Skip()
			}
			c.block, err = w.text()
			return err
		})
	case "usageMetadata":
		c.shaped = true
		_, err = w.report(&c.report)
	case "responseId":
		c.id, err = w.text()
	case "createTime":
		var text string
		text, err = w.text()
		if at, parseErr := time.Parse(time.RFC3339Nano, text); parseErr == nil {
			c.created = max(at.Unix(), 0)
		}
	case "error":
		c.failure, err = w.failure()
	default:
		err = w.Skip()
	}
	return err
}

func (c *chunk) candidate(w *walker) error {
	if len(c.candidates) == MaxChoices {
		return domain.Errorf(domain.CodeInvalid, "the answer has more than %d candidates", MaxChoices)
	}
	one := candidate{index: len(c.candidates)}
	err := w.object(func(name []byte) (err error) {
		switch string(name) {
		case "index":
			one.index, err = w.index(one.index)
		case "finishReason":
			one.native, err = w.text()
		case "groundingMetadata":
			err = w.grounding(&c.report)
		case "content":
			err = w.object(func(name []byte) error {
				if string(name) != "parts" {
					return w.Skip()
				}
				return w.array(func() error {
					one.pieces = append(one.pieces, piece{})
					return w.piece(&one.pieces[len(one.pieces)-1])
				})
			})
		default:
			err = w.Skip()
		}
		return err
	})
	c.candidates = append(c.candidates, one)
	return err
}

// index reads a candidate's number; anything else leaves it as it was.
func (w *walker) index(was int) (int, error) {
	raw, _, err := w.Value()
	if n, parseErr := strconv.ParseUint(string(raw), 10, 16); parseErr == nil {
		return int(n), err
	}
	return was, err
}

// piece reads a part of an answer. Parts of tools that run at the vendor are left out: this form never asks for them.
func (w *walker) piece(p *piece) error {
	return w.object(func(name []byte) (err error) {
		switch string(name) {
		case "text":
			p.text, err = w.text()
		case "thought":
			p.thought, err = w.truth()
		case "thoughtSignature":
			p.signature, err = w.text()
		case "functionCall":
			p.call, err = w.call()
		case "inlineData":
			p.media, err = w.media("data")
		case "fileData":
			p.media, err = w.media("fileUri")
		default:
			err = w.Skip()
		}
		return err
	})
}

// call reads a function call; nil for what is none.
func (w *walker) call() (*chat.Call, error) {
	if w.Kind() != '{' {
		return nil, w.Skip()
	}
	call := &chat.Call{Arguments: "{}"}
	return call, w.object(func(name []byte) (err error) {
		switch string(name) {
		case "id":
			call.ID, err = w.text()
		case "name":
			call.Name, err = w.text()
		case "args":
			raw, _, readErr := w.Value()
			if err = readErr; err == nil && raw.Kind() != 'n' {
				call.Arguments = sound(string(raw))
			}
		default:
			err = w.Skip()
		}
		return err
	})
}

// media reads inlineData, whose content is "data", or fileData, whose address is "fileUri"; nil for what is neither.
func (w *walker) media(content string) (*chat.Media, error) {
	if w.Kind() != '{' {
		return nil, w.Skip()
	}
	m := new(chat.Media)
	return m, w.object(func(name []byte) (err error) {
		switch string(name) {
		case "mimeType":
			m.MIME, err = w.text()
		case "data", "fileUri":
			to := &m.Data
			if content == "fileUri" {
				to = &m.URL
			}
			if string(name) != content {
				return w.Skip()
			}
			*to, err = w.text()
		default:
			err = w.Skip()
		}
		return err
	})
}

// mediaKind is what media of a type are.
func mediaKind(mime string) chat.PartKind {
	switch kind, _, _ := strings.Cut(mime, "/"); strings.ToLower(kind) {
	case "image":
		return chat.Image
	case "audio":
		return chat.Audio
	}
	return chat.File
}

// seed is what the ids of an answer's calls begin with where the vendor gives none: its own id as far as every dialect takes
// it, else a fingerprint of what came first.
func (c *chunk) seed(body []byte) string {
	const longest = 24 // some clients take no id above 40 bytes
	plain := func(r rune) bool {
		return r == '-' || r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	}
	if c.id != "" && len(c.id) <= longest && strings.IndexFunc(c.id, func(r rune) bool { return !plain(r) }) < 0 {
		return c.id
	}
	if c.id != "" {
		body = []byte(c.id)
	}
	sum := sha256.Sum256(bytes.TrimSpace(body))
	return hex.EncodeToString(sum[:longest/2])
}

// callID is the id of the nth call of a choice.
func callID(seed string, choice, n int) string {
	id := "call_" + seed + "_"
	if choice > 0 {
		id += strconv.Itoa(choice) + "_"
	}
	return id + strconv.Itoa(n)
}
