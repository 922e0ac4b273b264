package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/caarlos0/env/v11"

	"github.com/massrouter/massrouter/gateway/credential"
)

const (
	prefix        = "MASSROUTER_"
	fileSuffix    = "_FILE"
	maxSecretFile = 64 << 10
)

// Load reads the configuration from environment entries ("NAME=value") over the defaults, and validates it for a role.
// The error is a Problems with everything that is wrong. Unknown names that begin with MASSROUTER_ are returned, sorted,
// because they are often misspelt; they are no problem, as some platforms add names of their own.
func Load(environ []string, role Role) (c Config, unknown []string, err error) {
	c = Default()
	vars := env.ToMap(environ)
	var problems Problems
	problems = append(problems, readSecrets(vars)...)
	problems = append(problems, parse(&c, vars)...)
	c.Secrets.path = vars[keysetName+fileSuffix]
	problems = append(problems, c.readVendorKeys(vars)...)
	if err := c.Validate(role); err != nil {
		var more Problems
		if !errors.As(err, &more) {
			return c, nil, err
		}
		problems = append(problems, more.without(problems)...)
	}
	if len(problems) > 0 {
		return c, nil, problems
	}
	return c, unknownNames(vars), nil
}

// parse fills the fields in; a field that cannot be parsed keeps its default and is reported by its variable's name.
func parse(c *Config, vars map[string]string) Problems {
	err := env.ParseWithOptions(c, env.Options{Environment: vars})
	if err == nil {
		return nil
	}
	var all env.AggregateError
	if !errors.As(err, &all) {
		return Problems{{Message: err.Error()}}
	}
	var problems Problems
	for _, each := range all.Errors {
		var one env.ParseError
		if !errors.As(each, &one) {
			problems = append(problems, Problem{Message: each.Error()})
			continue
		}
		name := nameOfField(one.Name)
		problems = append(problems, Problem{Name: name, Message: fmt.Sprintf("%q is no %s", vars[name], kindOf(one.Type))})
	}
	return problems
}

// readSecrets resolves NAME_FILE to NAME for every secret.
func readSecrets(vars map[string]string) Problems {
	var problems Problems
	for _, s := range Settings() {
		path := vars[s.Name+fileSuffix]
		if !s.Secret || path == "" {
			continue
		}
		if vars[s.Name] != "" {
			problems = append(problems, Problem{Name: s.Name, Message: "is set, and so is " + s.Name + fileSuffix + ": use one of them"})
			continue
		}
		text, err := readSecretFile(path)
		if err != nil {
			problems = append(problems, Problem{Name: s.Name + fileSuffix, Message: err.Error()})
			continue
		}
		vars[s.Name] = text
	}
	return problems
}

// readSecretFile reads a file without its last line break.
func readSecretFile(path string) (string, error) {
	file, err := os.Open(path) //nolint:gosec // the operator names the file
	if err != nil {
		return "", fmt.Errorf("open the file: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	raw, err := io.ReadAll(io.LimitReader(file, maxSecretFile+1))
	if err != nil {
		return "", fmt.Errorf("read the file: %w", err)
	}
	text := strings.TrimRight(string(raw), "\r\n")
	if text == "" || len(raw) > maxSecretFile {
		return "", fmt.Errorf("%s is empty or larger than %d bytes", path, maxSecretFile)
	}
	return text, nil
}

// readVendorKeys takes the keys from the file and from MASSROUTER_VENDOR_KEY_<VENDOR> and its _FILE form.
func (c *Config) readVendorKeys(vars map[string]string) Problems {
	var problems Problems
	if c.Vendors.KeysFile != "" {
		keys, err := readKeysFile(c.Vendors.KeysFile)
		if err != nil {
			problems = append(problems, Problem{Name: "MASSROUTER_VENDOR_KEYS_FILE", Message: err.Error()})
		}
		c.Vendors.Keys.fromFile = keys
	}
	c.Vendors.Keys.fromEnv = map[string][]credential.Credential{}
	for name, value := range vars {
		suffix, ok := strings.CutPrefix(name, vendorKeyPrefix)
		if !ok || suffix == "" || value == "" {
			continue
		}
		if fromFile, isFile := strings.CutSuffix(suffix, fileSuffix); isFile && fromFile != "" {
			text, err := readSecretFile(value)
			if err != nil {
				problems = append(problems, Problem{Name: name, Message: err.Error()})
				continue
			}
			suffix, value = fromFile, text
		}
		keys, err := parseKeyText(suffix, value)
		if err != nil {
			problems = append(problems, Problem{Name: name, Message: err.Error()})
			continue
		}
		c.Vendors.Keys.fromEnv[suffix] = keys
	}
	return problems
}

func unknownNames(vars map[string]string) []string {
	known := map[string]bool{}
	for _, s := range Settings() {
		known[s.Name] = true
		known[s.Name+fileSuffix] = s.Secret
	}
	var unknown []string
	for name := range vars {
		if strings.HasPrefix(name, prefix) && !strings.HasPrefix(name, vendorKeyPrefix) && !known[name] {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	return unknown
}

// nameOfField is the variable of a field; field names are unique across the groups.
func nameOfField(field string) string {
	for _, s := range Settings() {
		if s.Field == field {
			return s.Name
		}
	}
	return field
}

func kindOf(t reflect.Type) string {
	switch t.String() {
	case "time.Duration":
		return "duration such as 30s or 5m"
	case "int", "int64":
		return "whole number"
	case "bool":
		return "boolean: use true or false"
	}
	return t.String()
}
