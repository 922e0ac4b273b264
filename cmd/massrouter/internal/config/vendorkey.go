package config

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"strings"
)

const (
	vendorKeyPrefix = "MASSROUTER_VENDOR_KEY_"
	maxKeysFile     = 1 << 20
)

// VendorKeys finds a vendor's API key. The zero value has none.
type VendorKeys struct {
	byID  map[string]Secret // from the file, by vendor id
	byEnv map[string]Secret // from the environment, by the name's last part
}

// NewVendorKeys makes keys by vendor id.
func NewVendorKeys(byID map[string]Secret) VendorKeys { return VendorKeys{byID: byID} }

// Key returns a vendor's key; the environment wins over the file.
func (k VendorKeys) Key(vendor string) (Secret, bool) {
	if key, ok := k.byEnv[vendorKeySuffix(vendor)]; ok {
		return key, true
	}
	key, ok := k.byID[vendor]
	return key, ok
}

// With adds keys by vendor id; a key that is there already stays.
func (k VendorKeys) With(more map[string]Secret) VendorKeys {
	byID := make(map[string]Secret, len(k.byID)+len(more))
	maps.Copy(byID, more)
	maps.Copy(byID, k.byID)
	return VendorKeys{byID: byID, byEnv: k.byEnv}
}

// Format serves every verb of fmt: printing reaches the keys in a way that Secret cannot stop.
func (k VendorKeys) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "%d keys", len(k.byID)+len(k.byEnv))
}

// vendorKeySuffix is a vendor id as it stands in the name of an environment variable.
func vendorKeySuffix(vendor string) string {
	return strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(vendor))
}

// readKeysFile reads {"vendor": "key"}. Errors never contain the file's content.
func readKeysFile(path string) (map[string]Secret, error) {
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
	var texts map[string]string
	if json.Unmarshal(raw, &texts) != nil { // the cause could quote a key
		return nil, fmt.Errorf("%s is not one JSON object of vendor ids and keys, both strings", path)
	}
	keys := make(map[string]Secret, len(texts))
	for vendor, key := range texts {
		if key == "" {
			return nil, fmt.Errorf("%s has an empty key for vendor %q", path, vendor)
		}
		keys[vendor] = NewSecret(key)
	}
	return keys, nil
}
