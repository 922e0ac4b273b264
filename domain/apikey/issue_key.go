package apikey

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/wallet"
)

const (
	maxName   = 100 // bytes
	maxLabel  = 64  // bytes; far shorter than a secret, so that none can end up in an event
	maxReason = 200 // bytes
)

// Issue makes a key for a wallet. The caller composes the secret and passes its hash and label only.
type Issue struct {
	KeyID    uuid.UUID
	WalletID uuid.UUID
	Hash     Hash
	Label    string
	Limits   Limits
	Scope    Scope
}

// Issue decides an Issue (K1, K4, K8, K9). Errors: key_exists, invalid_request, amount_invalid, amount_out_of_range.
func (s *State) Issue(c Issue, now time.Time) (Issued, error) {
	if s.Issued {
		return Issued{}, domain.Errorf(domain.CodeKeyExists, "this key was issued already")
	}
	if c.KeyID == uuid.Nil || c.WalletID == uuid.Nil {
		return Issued{}, domain.Errorf(domain.CodeInvalid, "a key needs an id and a wallet")
	}
	if err := checkSecret(c.Hash, c.Label); err != nil {
		return Issued{}, err
	}
	if c.Scope != Inference && c.Scope != Management {
		return Issued{}, domain.Errorf(domain.CodeInvalid, "a key has no scope, or the scope %s", Management)
	}
	limits, err := c.Limits.normal(time.Time{}, now)
	if err != nil {
		return Issued{}, err
	}
	if err := c.Scope.check(limits); err != nil {
		return Issued{}, err
	}
	return Issued{KeyID: c.KeyID, WalletID: c.WalletID, Hash: c.Hash, Label: c.Label, Limits: limits, Scope: c.Scope}, nil
}

// check is the part of rule K9 about limits: what bounds calls means nothing for a key that makes none.
func (s Scope) check(l Limits) error {
	if s == Management && (l.Caps != (wallet.Caps{}) || len(l.Models) > 0 || l.Rates != (RateLimits{})) {
		return domain.Errorf(domain.CodeInvalid, "a management key has no caps, models or rate limits: it calls no models")
	}
	return nil
}

// checkSecret refuses what cannot be the hash and label of a secret.
func checkSecret(h Hash, label string) error {
	if h == (Hash{}) {
		return domain.Errorf(domain.CodeInvalid, "a key needs the hash of its secret")
	}
	return domain.CheckTextSize("label", label, 1, maxLabel)
}

// normal checks limits and gives them the form that events store. An expiry that is not the current one has to lie
// in the future; one that stays as it is may be past.
func (l Limits) normal(current, now time.Time) (Limits, error) {
	if err := domain.CheckTextSize("name", l.Name, 0, maxName); err != nil {
		return Limits{}, err
	}
	if err := l.Caps.Check(); err != nil {
		return Limits{}, err
	}
	if err := checkModels(l.Models); err != nil {
		return Limits{}, err
	}
	if err := l.Rates.Check(); err != nil {
		return Limits{}, err
	}
	networks, err := l.Networks.normal()
	if err != nil {
		return Limits{}, err
	}
	l.Networks, l.ExpiresAt = networks, domain.Moment(l.ExpiresAt)
	if !l.ExpiresAt.IsZero() && !l.ExpiresAt.Equal(current) {
		if err := domain.CheckMoment("expires_at", l.ExpiresAt); err != nil {
			return Limits{}, err
		}
		if !l.ExpiresAt.After(now) {
			return Limits{}, domain.Errorf(domain.CodeInvalid, "expires_at lies in the future")
		}
	}
	l.Caps, l.Models = l.Caps.Clone(), slices.Clone(l.Models)
	return l, nil
}

func checkModels(models []string) error {
	if len(models) > MaxModels {
		return domain.Errorf(domain.CodeInvalid, "a key lists at most %d models", MaxModels)
	}
	seen := make(map[string]bool, len(models))
	for _, m := range models {
		if err := catalog.CheckModelID(m); err != nil {
			return err
		}
		if seen[m] {
			return domain.Errorf(domain.CodeInvalid, "the model %q is listed twice", m)
		}
		seen[m] = true
	}
	return nil
}

// changeable refuses changes of keys that do not exist or are at their end (K3).
func (s *State) changeable() error {
	if !s.Issued {
		return domain.Errorf(domain.CodeKeyNotFound, "no such key")
	}
	if s.Revoked {
		return domain.Errorf(domain.CodeKeyRevoked, "this key was revoked; a revoked key changes no more")
	}
	return nil
}
