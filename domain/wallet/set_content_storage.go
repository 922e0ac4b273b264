package wallet

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
)

// ContentStorage says whether what calls ask and answer is stored, which is the owner's decision. The zero value is that nothing is.
type ContentStorage struct {
	RetentionHours int64       `json:"retention_hours,omitempty"` // for how long after the call; at most MaxRetentionHours; 0 stores nothing
	Keys           []uuid.UUID `json:"keys,omitempty"`            // of whose calls; of all when empty; at most MaxContentKeys
}

// Bounds of what is stored.
const (
	MaxRetentionHours = 90 * 24
	MaxContentKeys    = 100
)

// Retention is for how long the content of a key's calls is stored; 0 is not at all.
func (c ContentStorage) Retention(key uuid.UUID) time.Duration {
	if len(c.Keys) > 0 && !slices.Contains(c.Keys, key) {
		return 0
	}
	return time.Duration(c.RetentionHours) * time.Hour
}

// Check refuses what is outside of the bounds with code invalid_request.
func (c ContentStorage) Check() error {
	switch {
	case c.RetentionHours < 0 || c.RetentionHours > MaxRetentionHours:
		return domain.Errorf(domain.CodeInvalid, "retention_hours is between 1 and %d, or 0 to store nothing", MaxRetentionHours)
	case c.RetentionHours == 0 && len(c.Keys) > 0:
		return domain.Errorf(domain.CodeInvalid, "keys are named for what is stored, and nothing is")
	case len(c.Keys) > MaxContentKeys:
		return domain.Errorf(domain.CodeInvalid, "keys has at most %d ids", MaxContentKeys)
	}
	for i, key := range c.Keys {
		if key == uuid.Nil || slices.Contains(c.Keys[:i], key) {
			return domain.Errorf(domain.CodeInvalid, "keys has the ids of keys, each once")
		}
	}
	return nil
}

// ContentStorageSet replaces what is stored of the calls of a wallet. The content itself is in no event.
type ContentStorageSet struct {
	Storage ContentStorage `json:"content_storage,omitzero"` // nothing is stored when missing
}

// EventType is the stored name.
func (ContentStorageSet) EventType() string { return "wallet.content_storage_set.v1" }

func (ContentStorageSet) wallet() {}

// SetContentStorage says whether what the wallet's calls ask and answer is stored. Storing it is the gateway's part.
type SetContentStorage struct {
	Storage ContentStorage
}

// SetContentStorage decides a SetContentStorage. Errors: wallet_not_found, invalid_request.
func (s *State) SetContentStorage(c SetContentStorage) (ContentStorageSet, error) {
	if err := s.opened(); err != nil {
		return ContentStorageSet{}, err
	}
	return ContentStorageSet(c), c.Storage.Check()
}
