package responses

import (
	"strconv"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/openai"
	"github.com/massrouter/massrouter/gateway/openai/scan"
)

// output is an item of a response's output: one for each part of the answer, and one more for the signature of a call.
type output struct {
	part      int
	kind      chat.PartKind
	id        string
	text      []byte // of a call, its arguments
	call      chat.Call
	media     *chat.Media
	signature string
	origin    string
	sealed    string // the signature as callers see it, where that is not for the kind to say
	done      bool
}

// The states of items and responses.
const (
	inProgress = "in_progress"
	completed  = "completed"
	incomplete = "incomplete"
	failed     = "failed"
)

// newOutput makes the item of a part. told is the response's id, n the item's number in the output.
func newOutput(told string, n, part int, p *chat.Part) *output {
	o := &output{part: part, kind: p.Kind, text: []byte(p.Text), media: p.Media, signature: p.Signature, origin: p.Origin}
	prefix := "msg"
	switch p.Kind {
	case chat.Thinking, chat.Redacted:
		prefix = "rs"
	case chat.ToolCall:
		prefix = "fc"
		if p.Call != nil {
			o.call, o.text = *p.Call, []byte(p.Call.Arguments)
		}
	case chat.Image:
		prefix = "ig"
		if p.Media == nil || p.Media.Data == "" { // an item of its own has data; an address is told as text
			o.kind, prefix = chat.Text, "msg"
			if p.Media != nil {
				o.text = []byte(p.Media.URL)
			}
		}
	case chat.Text, chat.Refusal, chat.File, chat.Audio, chat.ToolResult:
	}
	o.id = prefix + "_" + told + "_" + strconv.Itoa(n)
	return o
}

// newSignature makes the item that carries the signature of a call.
func newSignature(told string, n int, of *output) *output {
	return &output{
		part: none, kind: chat.Redacted, id: "rs_" + told + "_" + strconv.Itoa(n), done: true,
		sealed: sealedCall(of.origin, of.call.ID, of.signature),
	}
}

const none = -1

// says whether callers are told of parts of a kind.
func says(kind chat.PartKind) bool {
	switch kind {
	case chat.Text, chat.Refusal, chat.Thinking, chat.Redacted, chat.ToolCall, chat.Image:
		return true
	case chat.File, chat.Audio, chat.ToolResult:
	}
	return false
}

func (o *output) status() string {
	if o.done {
		return completed
	}
	return inProgress
}

// append appends the item as far as it is known. empty: as it is announced, before it has anything.
func (o *output) append(dst []byte, status string, empty bool) []byte {
	var l scan.List
	dst = append(dst, '{')
	switch o.kind {
	case chat.Thinking, chat.Redacted:
		dst = l.String(dst, "type", "reasoning")
		dst = l.String(dst, "id", o.id)
		dst = append(l.Name(dst, "summary"), '[')
		if o.kind == chat.Thinking && !empty {
			dst = o.appendPart(dst, false)
		}
		dst = append(dst, ']')
		encrypted := o.sealed
		if encrypted == "" {
			encrypted = sealed(o.origin, o.signature)
		}
		if encrypted != "" && !empty {
			dst = l.String(dst, "encrypted_content", encrypted)
		}
		dst = l.Given(dst, "format", openai.FormatOf(o.origin))
	case chat.ToolCall:
		dst = l.String(dst, "type", "function_call")
		dst = l.String(dst, "id", o.id)
		dst = l.String(dst, "call_id", o.call.ID)
		dst = l.String(dst, "name", o.call.Name)
		arguments := ""
		if !empty {
			arguments = string(o.text)
		}
		dst = l.String(dst, "arguments", arguments)
	case chat.Image:
		dst = l.String(dst, "type", "image_generation_call")
		dst = l.String(dst, "id", o.id)
		if empty {
			dst = l.Raw(dst, "result", "null")
		} else {
			dst = l.String(dst, "result", o.media.Data)
		}
	case chat.Text, chat.Refusal, chat.File, chat.Audio, chat.ToolResult:
		dst = l.String(dst, "type", "message")
		dst = l.String(dst, "id", o.id)
		dst = l.String(dst, "role", string(chat.Assistant))
		dst = append(l.Name(dst, "content"), '[')
		if !empty {
			dst = o.appendPart(dst, false)
		}
		dst = append(dst, ']')
	}
	dst = l.String(dst, "status", status)
	return append(dst, '}')
}

// appendPart appends the part of a message's content, or of a reasoning's summary.
func (o *output) appendPart(dst []byte, empty bool) []byte {
	text := string(o.text)
	if empty {
		text = ""
	}
	var l scan.List
	dst = append(dst, '{')
	switch o.kind {
	case chat.Thinking:
		dst = l.String(l.String(dst, "type", "summary_text"), "text", text)
	case chat.Refusal:
		dst = l.String(l.String(dst, "type", "refusal"), "refusal", text)
	case chat.Text, chat.Redacted, chat.Image, chat.File, chat.Audio, chat.ToolCall, chat.ToolResult:
		dst = l.String(l.String(dst, "type", "output_text"), "text", text)
		dst = l.Raw(l.Raw(dst, "annotations", "[]"), "logprobs", "[]")
	}
	return append(dst, '}')
}

// outputs makes the items of a whole answer.
func outputs(told string, parts []chat.Part) (list []*output) {
	for i := range parts {
		p := &parts[i]
		if !says(p.Kind) {
			continue
		}
		o := newOutput(told, len(list), i, p)
		o.done = true
		if o.kind == chat.ToolCall && o.signature != "" {
			list = append(list, newSignature(told, len(list), o))
			o.id = "fc_" + told + "_" + strconv.Itoa(len(list))
		}
		list = append(list, o)
	}
	return list
}
