package config

import (
	"fmt"

	"github.com/massrouter/massrouter/gateway/seal/envelope"
)

const keysetName = prefix + "SECRETS_KEYSET"

// Secrets is what the platform encrypts with what it keeps for others.
type Secrets struct {
	SecretsKeyset Secret `env:"MASSROUTER_SECRETS_KEYSET" doc:"Keyset that encrypts customers' secrets in the database, from 'massrouter secrets init'. From a file, running processes learn of a new key within a second. What needs it is refused without it. See secrets.md." used:"serve work secrets; dev makes its own"`

	path string // of the file it came from; "" for the environment
}

func (s Secrets) validate(p *Problems) {
	if s.SecretsKeyset.IsSet() {
		_, err := s.open(nil)
		p.add(err == nil, keysetName, "%v", err)
	}
}

// Path is the file that the keyset came from; "" when it came from the environment.
func (s Secrets) Path() string { return s.path }

// Keyring is what seals; nil without a keyset.
func (s Secrets) Keyring() (*envelope.Keyring, error) {
	switch {
	case !s.SecretsKeyset.IsSet():
		return nil, nil
	case s.path == "":
		return s.open(nil)
	}
	return s.open(func() ([]byte, error) {
		text, err := readSecretFile(s.path)
		return []byte(text), err
	})
}

func (s Secrets) open(read func() ([]byte, error)) (*envelope.Keyring, error) {
	keys, err := envelope.Open([]byte(s.SecretsKeyset.Reveal()), read)
	if err != nil {
		return nil, fmt.Errorf("read the keyset: %w", err)
	}
	return keys, nil
}

// KeysetFile is the setting as it is when the keyset comes from a file. Errors: the file cannot be read.
func KeysetFile(path string) (Secrets, error) {
	text, err := readSecretFile(path)
	return Secrets{SecretsKeyset: NewSecret(text), path: path}, err
}
