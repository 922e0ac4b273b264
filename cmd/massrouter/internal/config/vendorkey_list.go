package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/massrouter/massrouter/gateway/credential"
	"github.com/massrouter/massrouter/gateway/limit"
)

// The keys of a vendor are, in the file,
//
//	"key"
//	{"key": "key", "id": "eu", "requests_per_minute": 600, "tokens_per_minute": 1000000, "parallel": 50}
//	{"key": {…}}            a key that is itself a JSON object, such as that of a service account
//	[ … ]                   any number of these
//
// and in a variable one of these that begins with [ or {, or keys with commas between them. An object without "key" is a key itself.

// keyEntry is a key with what is known of it.
type keyEntry struct {
	ID       string          `json:"id"`
	Key      json.RawMessage `json:"key"`
	Requests int64           `json:"requests_per_minute"`
	Tokens   int64           `json:"tokens_per_minute"`
	Parallel int64           `json:"parallel"`
}

const maxVendorKeys = 100

var (
	errKeyForm  = errors.New(`keys are strings, objects {"key": …, "id": …}, or a list of these`)
	errKeyEmpty = errors.New("there is an empty key")
)

// parseKeyText reads the value of a variable.
func parseKeyText(suffix, text string) ([]credential.Credential, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "[") || strings.HasPrefix(text, "{") {
		return parseKeys(suffix, json.RawMessage(text))
	}
	var entries []keyEntry
	for part := range strings.SplitSeq(text, ",") {
		quoted, err := json.Marshal(strings.TrimSpace(part))
		if err != nil {
			return nil, errKeyForm
		}
		entries = append(entries, keyEntry{Key: quoted})
	}
	return credentials(suffix, entries)
}

// parseKeys reads the keys of a vendor. Errors never quote a key.
func parseKeys(suffix string, value json.RawMessage) ([]credential.Credential, error) {
	list := []json.RawMessage{value}
	if bytes.HasPrefix(bytes.TrimSpace(value), []byte("[")) {
		if json.Unmarshal(value, &list) != nil {
			return nil, errKeyForm
		}
	}
	entries := make([]keyEntry, len(list))
	for i, one := range list {
		var err error
		if entries[i], err = parseEntry(one); err != nil {
			return nil, err
		}
	}
	return credentials(suffix, entries)
}

func parseEntry(value json.RawMessage) (keyEntry, error) {
	var members map[string]json.RawMessage
	switch value = bytes.TrimSpace(value); {
	case bytes.HasPrefix(value, []byte(`"`)):
		return keyEntry{Key: value}, nil
	case json.Unmarshal(value, &members) != nil || members == nil:
		return keyEntry{}, errKeyForm
	case members["key"] == nil:
		return keyEntry{Key: value}, nil
	}
	var e keyEntry
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.DisallowUnknownFields()
	if decoder.Decode(&e) != nil { // the cause could quote a key
		return keyEntry{}, errors.New("beside \"key\" there may be id, requests_per_minute, tokens_per_minute and parallel")
	}
	return e, nil
}

// credentials names the keys and checks them.
func credentials(suffix string, entries []keyEntry) ([]credential.Credential, error) {
	if len(entries) == 0 || len(entries) > maxVendorKeys {
		return nil, fmt.Errorf("a vendor has 1 to %d keys", maxVendorKeys)
	}
	vendor := strings.ToLower(suffix)
	all := make([]credential.Credential, len(entries))
	ids, secrets := map[string]bool{}, map[string]bool{}
	for i := range entries {
		e := &entries[i]
		secret, err := e.secret()
		if err != nil {
			return nil, err
		}
		if e.ID != "" {
			if err := credential.CheckName(e.ID, secret); err != nil {
				return nil, err
			}
		}
		if e.Requests < 0 || e.Tokens < 0 || e.Parallel < 0 {
			return nil, errors.New("limits of a key are not negative")
		}
		c := credential.Credential{
			ID: credential.ID(vendor, e.ID, secret), Secret: secret,
			Limits: limit.Limits{Requests: e.Requests, Tokens: e.Tokens, Parallel: e.Parallel},
		}
		if ids[c.ID] || secrets[c.Secret] {
			return nil, errors.New("a key or its id is there twice")
		}
		ids[c.ID], secrets[c.Secret] = true, true
		all[i] = c
	}
	return all, nil
}

// secret is the key as a text: a string, or a JSON object as it stands there.
func (e *keyEntry) secret() (string, error) {
	var text string
	switch {
	case bytes.HasPrefix(e.Key, []byte(`{`)):
		text = string(e.Key)
	case json.Unmarshal(e.Key, &text) != nil:
		return "", errKeyForm
	}
	if text == "" {
		return "", errKeyEmpty
	}
	if strings.ContainsFunc(text, func(c rune) bool { return c < ' ' }) && text[0] != '{' {
		return "", errors.New("a key has a control character in it")
	}
	return text, nil
}
