package config

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"strings"

	"github.com/massrouter/massrouter/gateway/credential"
)

const (
	vendorKeyPrefix = "MASSROUTER_VENDOR_KEY_"
	maxKeysFile     = 1 << 20
)

// VendorKeys finds a vendor's API keys. The zero value has none.
type VendorKeys struct {
	fromFile map[string][]credential.Credential // by the last part of the variable's name
	fromEnv  map[string][]credential.Credential // the same
}

// NewVendorKeys makes keys by vendor id, one for each.
func NewVendorKeys(byID map[string]Secret) VendorKeys {
	keys := make(map[string][]credential.Credential, len(byID))
	for vendor, secret := range byID {
		suffix := vendorKeySuffix(vendor)
		text := secret.Reveal()
		keys[suffix] = []credential.Credential{{ID: credential.ID(strings.ToLower(suffix), "", text), Secret: text}}
	}
	return VendorKeys{fromFile: keys}
}

// Of returns a vendor's keys in their order; the environment wins over the file. The result is shared and must not be changed.
func (k VendorKeys) Of(vendor string) []credential.Credential {
	suffix := vendorKeySuffix(vendor)
	if keys, ok := k.fromEnv[suffix]; ok {
		return keys
	}
	return k.fromFile[suffix]
}

// With adds keys by vendor id; keys that are there already stay.
func (k VendorKeys) With(more map[string]Secret) VendorKeys {
	all := NewVendorKeys(more).fromFile
	maps.Copy(all, k.fromFile)
	return VendorKeys{fromFile: all, fromEnv: k.fromEnv}
}

// Format serves every verb of fmt: printing reaches the keys in a way that Secret cannot stop.
func (k VendorKeys) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "keys of %d vendors", len(k.fromFile)+len(k.fromEnv))
}

// vendorKeySuffix is a vendor id as it stands in the name of an environment variable.
func vendorKeySuffix(vendor string) string {
	return strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(vendor))
}

// readKeysFile reads {"vendor": keys}; see vendorkey_list.go. Errors never contain the file's content but for vendor ids.
func readKeysFile(path string) (map[string][]credential.Credential, error) {
	file, err := os.Open(path) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("open the file: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("look at the file: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("%s has mode %04o: others could read the keys; use chmod 600", path, mode)
	}
	raw, err := io.ReadAll(io.LimitReader(file, maxKeysFile))
	if err != nil {
		return nil, fmt.Errorf("read the file: %w", err)
	}
	var vendors map[string]json.RawMessage
	if json.Unmarshal(raw, &vendors) != nil { // the cause could quote a key
		return nil, fmt.Errorf("%s is not one JSON object of vendor ids and their keys", path)
	}
	all := make(map[string][]credential.Credential, len(vendors))
	for vendor, value := range vendors {
		suffix := vendorKeySuffix(vendor)
		keys, err := parseKeys(suffix, value)
		if err != nil {
			return nil, fmt.Errorf("%s, vendor %q: %w", path, vendor, err)
		}
		all[suffix] = keys
	}
	return all, nil
}
