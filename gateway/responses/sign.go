package responses

import (
	"encoding/base64"
	"strings"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/openai"
)

// A signature that no vendor of OpenAI's models made goes to callers as encrypted_content with its origin in front, so that it
// finds its way back when they return it; that of a call names the call, because calls have no place for one. OpenAI's own is
// base64 and has no point in it.
const (
	foreign = "mr."  // + origin + "." + signature
	ofCall  = "mrc." // + origin + "." + the call's id in base64 + "." + signature
)

// sealed is a thought's signature as callers see it.
func sealed(origin, signature string) string {
	if signature == "" || origin == openai.OriginOpenAI {
		return signature
	}
	return foreign + origin + "." + signature
}

// sealedCall is a call's signature as callers see it.
func sealedCall(origin, call, signature string) string {
	return ofCall + origin + "." + base64.RawURLEncoding.EncodeToString([]byte(call)) + "." + signature
}

// open gives a part the signature that a caller returned. call is the id of the call that it belongs to, if it is one's.
func open(p *chat.Part, encrypted, format string) (call string) {
	p.Signature, p.Origin = encrypted, openai.OriginOpenAI
	if rest, ok := strings.CutPrefix(encrypted, foreign); ok {
		if origin, signature, ok := strings.Cut(rest, "."); ok {
			p.Origin, p.Signature = origin, signature
		}
		return ""
	}
	if rest, ok := strings.CutPrefix(encrypted, ofCall); ok {
		origin, rest, _ := strings.Cut(rest, ".")
		name, signature, found := strings.Cut(rest, ".")
		if id, err := base64.RawURLEncoding.DecodeString(name); err == nil && found {
			p.Origin, p.Signature = origin, signature
			return string(id)
		}
	}
	if origin := openai.OriginOf(format); origin != "" {
		p.Origin = origin
	}
	return ""
}
