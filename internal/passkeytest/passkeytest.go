// Package passkeytest makes credentials of virtual authenticators for tests.
package passkeytest

import "github.com/descope/virtualwebauthn"

// keyBytes is the length of a COSE key of P-256 whose coordinates have 32 bytes each (RFC 9053, 7.1.1).
const keyBytes = 77

// NewCredential makes a credential of P-256. The library leaves leading zeros of coordinates out, about once in 128 keys, which is no valid key: such a one is drawn
// again.
func NewCredential() virtualwebauthn.Credential {
	for {
		c := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
		if len(c.Key.AttestationData()) == keyBytes {
			return c
		}
	}
}
