// Package vault seals what rooms keep of people with the operator's keyset. The rooms know nothing of it but two methods.
package vault

import (
	"github.com/google/uuid"

	"github.com/massrouter/massrouter/gateway/seal/envelope"
)

// Vault seals by places of tables: a value opens in the row that it was sealed for.
type Vault struct{ keys *envelope.Keyring }

// New makes a Vault.
func New(keys *envelope.Keyring) Vault { return Vault{keys} }

func place(table string, row uuid.UUID) envelope.Place {
	return envelope.Place{Table: table, Column: "sealed", Row: row.String(), Owner: row.String()}
}

// Seal encrypts a text for a row of a table.
func (v Vault) Seal(text []byte, table string, row uuid.UUID) ([]byte, error) {
	return v.keys.Seal(text, place(table, row))
}

// Open decrypts what Seal has made for the same row.
func (v Vault) Open(sealed []byte, table string, row uuid.UUID) ([]byte, error) {
	return v.keys.Open(sealed, place(table, row))
}

// Reseal encrypts a value again with the primary key.
func (v Vault) Reseal(sealed []byte, table string, row uuid.UUID) ([]byte, error) {
	text, err := v.Open(sealed, table, row)
	if err != nil {
		return nil, err
	}
	return v.Seal(text, table, row)
}
