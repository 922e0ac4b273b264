package anthropic

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/massrouter/massrouter/gateway/chat"
)

// foreign begins a signature that a vendor of another dialect made. Callers see such a one as foreign + origin + "." + signature, and
// return it as they got it; a vendor's own is base64 and has no point in it.
const foreign = "mr."

// ofCall begins the data of a block of redacted_thinking that has the signature of a call before it, for which the dialect has no
// place: ofCall + origin + "." + the call's id in base64url + "." + signature. Clients return such blocks where they found them.
const ofCall = "mrc."

// sealed is a signature as callers of this dialect see it.
func sealed(origin, signature string) string {
	if signature == "" || origin == Origin {
		return signature
	}
	return foreign + origin + "." + signature
}

// opened is whose signature a caller returned.
func opened(sealed string) (origin, signature string) {
	if sealed == "" {
		return "", ""
	}
	if rest, ok := strings.CutPrefix(sealed, foreign); ok {
		if origin, signature, ok := strings.Cut(rest, "."); ok {
			return origin, signature
		}
	}
	return Origin, sealed
}

// sealedCall is the signature of a call as the data of a block behind it.
func sealedCall(origin, id, signature string) string {
	return ofCall + origin + "." + base64.RawURLEncoding.EncodeToString([]byte(id)) + "." + signature
}

// signCall gives the call its signature that is the data of a caller's block. ok is false for any other data. Of a call that is not
// there nothing is left to say.
func signCall(parts []chat.Part, data string) (ok bool) {
	rest, ok := strings.CutPrefix(data, ofCall)
	if !ok {
		return false
	}
	origin, rest, _ := strings.Cut(rest, ".")
	encoded, signature, _ := strings.Cut(rest, ".")
	id, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return true
	}
	for i := range slices.Backward(parts) {
		if p := &parts[i]; p.Kind == chat.ToolCall && p.Call.ID == string(id) {
			p.Origin, p.Signature = origin, signature
			break
		}
	}
	return true
}
