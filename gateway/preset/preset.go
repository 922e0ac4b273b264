// Package preset keeps what calls may leave unsaid: parameters and a system prompt under a name of a wallet, in versions that never
// change. store.go keeps them, apply.go puts them into a request.
package preset

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
)

// The codes of presets.
const (
	CodeNotFound domain.Code = "preset_not_found"
	CodeArchived domain.Code = "preset_archived"
)

// Bounds of presets.
const (
	MaxText        = 64 << 10 // bytes of a system prompt, and of the parameters
	MaxDescription = 1000     // bytes
	MaxPerWallet   = 500
	MaxVersions    = 1000 // of one preset
)

// Content is what a version says.
type Content struct {
	Description  string         // for people
	SystemPrompt string         // "" for none
	Parameters   jsontext.Value // an object; nil for none
}

// Version is one version of a preset.
type Version struct {
	PresetID    uuid.UUID
	Slug        string
	Number      int64 // from 1
	Content     Content
	ContentHash [sha256.Size]byte
	CreatedAt   time.Time
	CreatedBy   string // an actor
}

// Preset is a preset without what it says.
type Preset struct {
	ID         uuid.UUID
	WalletID   uuid.UUID
	Slug       string
	Versions   int64 // the number of the newest
	CreatedAt  time.Time
	UpdatedAt  time.Time // of the newest version
	ArchivedAt time.Time // zero while it is in use
}

var slugs = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)

// CheckSlug says whether a name is one. Errors: invalid_request.
func CheckSlug(slug string) error {
	if !slugs.MatchString(slug) {
		return domain.Errorf(domain.CodeInvalid, "a preset's slug has 1 to 64 characters: lower-case letters, digits, and hyphens after the first").With("member", "/slug")
	}
	return nil
}

// kinds are the parameters that a preset can have, by the kinds of JSON value that they may be: "0 a number, \" a string, [ a list, { an
// object, t and f booleans. Their names are those of chat completions.
func kinds(name string) string {
	switch name {
	case "model", "route", "verbosity", "service_tier":
		return `"`
	case "models", "tools":
		return `[`
	case "provider", "reasoning", "response_format":
		return `{`
	case "temperature", "top_p", "top_k", "top_a", "min_p", "frequency_penalty", "presence_penalty", "repetition_penalty", "max_tokens", "seed":
		return `0`
	case "stop":
		return `"[`
	case "tool_choice":
		return `"{`
	case "parallel_tool_calls":
		return `tf`
	}
	return ""
}

// Check says whether a preset can say this. Errors: invalid_request with the detail "member".
func (c *Content) Check() error {
	if err := domain.CheckTextSize("description", c.Description, 0, MaxDescription); err != nil {
		return blamed(err.Error(), "/description")
	}
	switch {
	case len(c.SystemPrompt) > MaxText || !utf8.ValidString(c.SystemPrompt) || strings.ContainsRune(c.SystemPrompt, 0):
		return blamed("a system prompt is valid UTF-8 of at most 65536 bytes, without zero bytes", "/system_prompt")
	case len(c.Parameters) > MaxText:
		return blamed("parameters have at most 65536 bytes", "/parameters")
	case len(c.Parameters) > 0 && !c.Parameters.IsValid():
		return blamed("parameters are one JSON object", "/parameters")
	case bytes.Contains(c.Parameters, []byte(`\u0000`)):
		return blamed("parameters have no zero bytes", "/parameters")
	}
	members, err := membersOf(c.Parameters)
	if err != nil {
		return blamed("parameters are one JSON object", "/parameters")
	}
	for _, m := range members {
		allowed := kinds(m.name)
		if allowed == "" {
			return blamed("a preset has no such parameter", "/parameters/"+pointed(m.name))
		}
		if !strings.ContainsRune(allowed, rune(m.of(c.Parameters).Kind())) {
			return blamed("the parameter is of another type", "/parameters/"+m.name)
		}
	}
	if len(members) == 0 && c.SystemPrompt == "" {
		return blamed("a preset has parameters or a system prompt", "/parameters")
	}
	return nil
}

// pointed is a name as a part of a JSON pointer that somebody else has chosen: short, and readable.
func pointed(name string) string {
	const most = 64
	if len(name) > most || domain.CheckText("", name) != nil {
		return "?"
	}
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

func blamed(message, member string) error {
	return domain.Errorf(domain.CodeInvalid, "%s", message).With("member", member)
}

// Hash is the SHA-256 of all that the content says, each text behind its length.
func (c *Content) Hash() [sha256.Size]byte {
	var b []byte
	for _, text := range []string{c.Description, c.SystemPrompt, string(c.Parameters)} {
		b = append(binary.AppendUvarint(b, uint64(len(text))), text...)
	}
	return sha256.Sum256(b)
}
