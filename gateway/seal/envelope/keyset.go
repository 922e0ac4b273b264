package envelope

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
)

// errKeyset says nothing of what it has read: that may be a secret.
var errKeyset = errors.New("it is no keyset of keys for AEAD in Tink's JSON form, each enabled and with the prefix TINK; 'massrouter secrets init' makes one")

// maxKeys bounds a keyset: an unreadable text is tried with few keys, and nobody rotates that often.
const maxKeys = 64

// NewKeyset draws a keyset of one key (AES-256-GCM) in the form that Open reads.
func NewKeyset() ([]byte, error) {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, fmt.Errorf("draw a key: %w", err)
	}
	return write(handle)
}

// Rotate is a keyset with one more key, which is the primary one.
func Rotate(text []byte) ([]byte, error) {
	handle, err := parse(text)
	if err != nil {
		return nil, err
	}
	if handle.Len() >= maxKeys {
		return nil, fmt.Errorf("the keyset has %d keys already; remove those that seal nothing any more", maxKeys)
	}
	manager := keyset.NewManagerFromHandle(handle)
	id, err := manager.Add(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, fmt.Errorf("draw a key: %w", err)
	}
	if err := manager.SetPrimary(id); err != nil {
		return nil, fmt.Errorf("make key %d the primary one: %w", id, err)
	}
	return managed(manager)
}

// Without is a keyset without some of its keys. The primary one cannot be removed.
func Without(text []byte, ids ...uint32) ([]byte, error) {
	handle, err := parse(text)
	if err != nil {
		return nil, err
	}
	manager := keyset.NewManagerFromHandle(handle)
	for _, id := range ids {
		if err := manager.Delete(id); err != nil {
			return nil, fmt.Errorf("remove key %d: %w", id, err)
		}
	}
	return managed(manager)
}

func managed(manager *keyset.Manager) ([]byte, error) {
	handle, err := manager.Handle()
	if err != nil {
		return nil, fmt.Errorf("make the keyset: %w", err)
	}
	return write(handle)
}

func write(handle *keyset.Handle) ([]byte, error) {
	var b bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&b)); err != nil {
		return nil, fmt.Errorf("write the keyset: %w", err)
	}
	return append(b.Bytes(), '\n'), nil
}

// parse reads a keyset that can be used. Its error does not repeat the text.
func parse(text []byte) (*keyset.Handle, error) {
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(text)))
	if err != nil || handle.Len() == 0 || handle.Len() > maxKeys {
		return nil, errKeyset
	}
	for _, key := range handle.KeysetInfo().GetKeyInfo() {
		// Without a prefix what is sealed does not say by which key.
		if key.GetStatus() != tinkpb.KeyStatusType_ENABLED || key.GetOutputPrefixType() != tinkpb.OutputPrefixType_TINK {
			return nil, errKeyset
		}
	}
	return handle, nil
}

// oldest is the material of the key that was added first.
func oldest(handle *keyset.Handle) []byte {
	return insecurecleartextkeyset.KeysetMaterial(handle).GetKey()[0].GetKeyData().GetValue()
}

func keysOf(handle *keyset.Handle) []Key {
	info := handle.KeysetInfo()
	keys := make([]Key, 0, len(info.GetKeyInfo()))
	for _, key := range info.GetKeyInfo() {
		keys = append(keys, Key{ID: key.GetKeyId(), Primary: key.GetKeyId() == info.GetPrimaryKeyId()})
	}
	slices.SortFunc(keys, func(a, b Key) int { return cmp.Compare(a.ID, b.ID) })
	return keys
}
