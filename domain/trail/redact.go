package trail

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Redacted stands where something is not shown.
const Redacted = "[redacted]"

// Redact is a JSON text without what no entry shows: members whose names say that they are secret or personal, and texts that look like one of our
// secrets. Numbers stay as they are written.
func Redact(text []byte) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return nil, err
	}
	return json.Marshal(redact(v))
}

func redact(v any) any {
	switch v := v.(type) {
	case map[string]any:
		clean := make(map[string]any, len(v))
		for name, value := range v {
			name = cut(masked(name), maxName)
			if value != nil && secret(name) {
				clean[name] = Redacted
				continue
			}
			clean[name] = redact(value)
		}
		return clean
	case []any:
		for i := range v {
			v[i] = redact(v[i])
		}
		return v
	case string:
		return strings.ReplaceAll(masked(v), "\x00", "\uFFFD")
	default:
		return v
	}
}

// secret says of a member's name that its value is a secret or personal.
func secret(name string) bool {
	name = strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(name))
	switch name {
	case "code", "codes", "otp", "hash", "oldhash", "email", "phone", "address", "useragent", "recipient", "cookie", "authorization", "systemprompt",
		"credential", "credentials", "signature", "nonce", "salt":
		return true
	}
	for _, part := range []string{"password", "secret", "token", "recoverycode", "privatekey", "apikey", "emailaddress", "phonenumber"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// masked is a text without what begins as our secrets do.
func masked(s string) string {
	for _, prefix := range []string{"sk-", "whsec_", "Bearer ", "bearer ", "eyJ"} {
		for from := 0; ; {
			at := strings.Index(s[from:], prefix)
			if at < 0 {
				break
			}
			at += from
			end := at + len(prefix)
			for end < len(s) && plain(s[end]) {
				end++
			}
			if end-at < minSecret {
				from = end
				continue
			}
			s = s[:at] + Redacted + s[end:]
			from = at + len(Redacted)
		}
	}
	return s
}

// minSecret is how long, in bytes, what is masked is at least: shorter ones are words.
const minSecret = 20

func plain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_.+/=~", c) >= 0
}
