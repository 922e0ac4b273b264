package wallet

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
)

// Call is what is known of the vendor call behind a hold. It explains a charge; it never decides one.
type Call struct {
	Streamed           bool      `json:"streamed"`                       // the answer was sent in pieces
	Cancelled          bool      `json:"cancelled,omitempty"`            // the client went away
	FinishReason       string    `json:"finish_reason,omitempty"`        // why the answer ended, in the platform's words
	NativeFinishReason string    `json:"native_finish_reason,omitempty"` // the same in the vendor's words
	UpstreamID         string    `json:"upstream_id,omitempty"`          // the vendor's id of the call
	Credential         string    `json:"credential,omitempty"`           // the id of the platform's key that the vendor was called with last
	Attempts           int       `json:"attempts,omitempty"`             // how often a vendor was called
	Error              string    `json:"error,omitempty"`                // a stable code when the call failed
	ServiceTier        string    `json:"service_tier,omitempty"`         // that the vendor says it served with, other than the standard one
	Suspect            bool      `json:"suspect,omitempty"`              // the vendor's usage was absurd or missing
	StartedAt          time.Time `json:"started_at,omitzero"`            // when the vendor was first called
	FirstTokenMS       int64     `json:"first_token_ms,omitempty"`       // milliseconds until the first piece
	DurationMS         int64     `json:"duration_ms,omitempty"`          // milliseconds until the end
	AppID              uuid.UUID `json:"app_id,omitzero"`                // the registered app that the key is bound to
	AppURL             string    `json:"app_url,omitempty"`              // of the app as the caller named it, which nobody has verified
	AppTitle           string    `json:"app_title,omitempty"`            // the same
	PresetID           uuid.UUID `json:"preset_id,omitzero"`             // the preset that the caller named
	PresetVersion      int64     `json:"preset_version,omitempty"`       // of it
	SuspectReason      string    `json:"suspect_reason,omitempty"`       // which check the vendor's usage failed, a stable code
	Operation          string    `json:"operation,omitempty"`            // what was asked for, if that was no conversation: completion, embeddings, rerank, image, speech, transcription
	OwnKey             *OwnKey   `json:"own_key,omitempty"`              // the customer's own key at the vendor, as the hold has it

	UpstreamCost money.Amount `json:"upstream_cost,omitzero"` // what the vendor bills the customer whose own key it was called with, by the pinned price
}

const (
	maxCallWord = 100 // bytes of a reason or code
	maxCallID   = 200 // bytes of a vendor's id, and of the name and address of an app
)

// clean gives what a vendor said a form that can be stored: a charge must not fail, nor an event grow, because of it.
func (c Call) clean() Call {
	c.FinishReason = cleanText(c.FinishReason, maxCallWord)
	c.NativeFinishReason = cleanText(c.NativeFinishReason, maxCallWord)
	c.UpstreamID = cleanText(c.UpstreamID, maxCallID)
	c.Credential = cleanText(c.Credential, maxCallID)
	c.Error = cleanText(c.Error, maxCallWord)
	c.ServiceTier = cleanText(c.ServiceTier, maxCallWord)
	c.SuspectReason = cleanText(c.SuspectReason, maxCallWord)
	c.Operation = cleanText(c.Operation, maxCallWord)
	c.AppURL = cleanText(c.AppURL, maxCallID)
	c.AppTitle = cleanText(c.AppTitle, maxCallID)
	c.Attempts, c.FirstTokenMS, c.DurationMS = max(c.Attempts, 0), max(c.FirstTokenMS, 0), max(c.DurationMS, 0)
	c.PresetVersion = max(c.PresetVersion, 0)
	if c.StartedAt = domain.Moment(c.StartedAt); domain.CheckMoment("started_at", c.StartedAt) != nil {
		c.StartedAt = time.Time{}
	}
	return c
}

// cleanText drops control characters, replaces broken UTF-8, and cuts to a number of bytes at a character's border.
func cleanText(s string, most int) string {
	if len(s) <= most && domain.CheckText("", s) == nil {
		return s
	}
	// What is cut off below need not be cleaned: no character grows by more than the replacement's three bytes.
	s = strings.ToValidUTF8(s[:min(len(s), 4*most)], string(utf8.RuneError))
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, s)
	for len(s) > most {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}
