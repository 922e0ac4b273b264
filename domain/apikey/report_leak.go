package apikey

import (
	"time"

	"github.com/massrouter/massrouter/domain"
)

// ReportLeak says that a secret was found where others can read it.
type ReportLeak struct {
	Hash   Hash   // of the secret
	Source string // where it was found, for people; at most MaxSource bytes
}

// MaxSource bounds ReportLeak.Source.
const MaxSource = 100

const leaked = "its secret was found in public"

// ReportLeak decides a ReportLeak (K12): Disabled, or nothing when the secret is none of the key's that work, or that is known. A key
// that is disabled already is disabled again, so that it is not enabled with this secret. Error: invalid_request.
func (s *State) ReportLeak(c ReportLeak, now time.Time) ([]domain.Event, error) {
	if err := domain.CheckTextSize("source", c.Source, 0, MaxSource); err != nil {
		return nil, err
	}
	if s.Authenticate(c.Hash, now) != nil || s.Revoked || s.Leaked {
		return nil, nil
	}
	reason := leaked
	if c.Source != "" {
		reason += ": " + c.Source
	}
	return []domain.Event{Disabled{KeyID: s.ID, Reason: reason, Leaked: true}}, nil
}
