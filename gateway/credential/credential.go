// Package credential has the platform's accounts at vendors: API keys, each with a name that may be shown and limits of its own.
//
//	credential.go  a key, its name and its limits
//	name.go        the names of keys that were given none
//	serviceaccount.go, token.go  keys of Google's, which are exchanged for tokens
//	awskey.go, sigv4.go  keys of Amazon's, which calls are signed with
package credential

import (
	"fmt"
	"log/slog"

	"github.com/massrouter/massrouter/gateway/limit"
)

// Credential is one of the platform's keys at a vendor. Whatever prints or encodes it gives its id only.
type Credential struct {
	// ID stands in records, logs and measurements, and in Redis. It is the same in all processes and at every start, and says nothing of
	// the secret.
	ID string
	// Secret is the key, or the JSON document of a key that has several parts.
	Secret string
	// Limits are what the vendor grants this key, all processes together.
	Limits limit.Limits
}

// Scope is what the calls with this key are counted as.
func (c *Credential) Scope() limit.Scope {
	return limit.Scope{Kind: "vendor_key", ID: c.ID, Limits: c.Limits}
}

// Format serves every verb of fmt, so that none of them looks inside.
func (c Credential) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, c.ID) }

// MarshalText is what may be shown; JSON, YAML and logs use it.
func (c Credential) MarshalText() ([]byte, error) { return []byte(c.ID), nil }

// LogValue is what may be shown.
func (c Credential) LogValue() slog.Value { return slog.StringValue(c.ID) }

// IDs are those of credentials, in their order.
func IDs(all []Credential) []string {
	ids := make([]string, len(all))
	for i := range all {
		ids[i] = all[i].ID
	}
	return ids
}
