package ownkey

import "github.com/massrouter/massrouter/domain/trail"

// target and told are what the audit trail says of a key: nothing that opens anything, but for the last characters that its owner is shown, too.
func (k *Key) target() string { return trail.Of("vendor-key", k.ID) }

func (k *Key) told() map[string]any {
	return map[string]any{
		"vendor": k.Vendor, "last_four": k.LastFour, "only": k.Only, "disabled": k.Disabled, "models": texts(k.Models), "key_ids": ids(k.KeyIDs),
		"version": k.Version,
	}
}
