package gemini

import (
	"encoding/base64"
	"strings"

	"github.com/massrouter/massrouter/gateway/chat"
)

// A signature of another dialect's vendor goes to callers in a wrapping that says whose it is, so that it finds its way back
// when they return it; no Gemini model is ever sent one. A genuine signature is a protocol buffer, which never begins so.
const (
	wrapped  = "mr1|"
	wrapHead = "bXIx" // the first three bytes of it in base64
)

// The words that Google's servers take for the signature of a call that no Gemini model made.
const (
	unsigned      = "skip_thought_signature_validator"
	unsignedOlder = "context_engineering_is_the_way_to_go"
)

// wrap makes the thoughtSignature that callers are told; "" for none.
func wrap(p *chat.Part) string {
	if p.Signature == "" || p.Origin == origin {
		return p.Signature
	}
	kind := "|-|"
	if p.Kind == chat.Redacted {
		kind = "|r|"
	}
	return base64.StdEncoding.EncodeToString([]byte(wrapped + p.Origin + kind + p.Signature))
}

// unwrap gives a part the signature that a caller returned.
func unwrap(p *chat.Part, signature string) {
	if signature == "" || signature == unsigned || signature == unsignedOlder {
		return
	}
	p.Signature, p.Origin = signature, origin
	from, kind, own, ok := parseWrapped(signature)
	if !ok {
		return
	}
	p.Origin, p.Signature = from, own
	if kind == "r" && p.Kind == chat.Thinking && p.Text == "" {
		p.Kind = chat.Redacted
	}
}

func parseWrapped(signature string) (from, kind, own string, ok bool) {
	if !strings.HasPrefix(signature, wrapHead) {
		return "", "", "", false
	}
	text, err := base64.StdEncoding.DecodeString(signature)
	rest, found := strings.CutPrefix(sound(string(text)), wrapped)
	if err != nil || !found {
		return "", "", "", false
	}
	from, rest, _ = strings.Cut(rest, "|")
	kind, own, ok = strings.Cut(rest, "|")
	return from, kind, own, ok && own != ""
}

// validates says whether a model refuses calls without a signature: Gemini does from version 3 on, and under the names that
// stand for the latest version.
func validates(model string) bool {
	_, version, ok := strings.Cut(model, "gemini-")
	if !ok {
		return false
	}
	digits := version[:len(version)-len(strings.TrimLeft(version, "0123456789"))]
	return len(digits) != 1 || digits >= "3"
}
