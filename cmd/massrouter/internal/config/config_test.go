package config_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
)

const secretText = "correct-horse-battery-staple"

// serving is the least that serve needs.
func serving(more ...string) []string {
	return append([]string{
		"DATABASE_URL=postgres://u:p@localhost/db", "MASSROUTER_OPERATOR_TOKEN=" + secretText, "MASSROUTER_JOURNAL_DIR=/var/lib/x",
	}, more...)
}

func TestDefaultsAreValid(t *testing.T) {
	t.Parallel()
	for _, role := range []config.Role{config.RoleDev, config.RoleLocal} {
		c, unknown, err := config.Load(nil, role)
		require.NoError(t, err)
		require.Empty(t, unknown)
		require.Equal(t, config.Default().HTTP, c.HTTP)
	}
	_, _, err := config.Load(serving(), config.RoleServe)
	require.NoError(t, err)
}

func TestEnvironmentIsRead(t *testing.T) {
	t.Parallel()
	c, unknown, err := config.Load(serving("MASSROUTER_LISTEN=0.0.0.0:80", "MASSROUTER_INSECURE_HTTP=true", "MASSROUTER_SWEEP_EVERY=7s", "MASSROUTER_LEDGER_QUEUE=5",
		"MASSROUTER_LOG_LEVEL=", "MASSROUTER_LITSEN=x", "OTHER=y"), config.RoleServe)
	require.NoError(t, err)
	require.Equal(t, "0.0.0.0:80", c.HTTP.Listen)
	require.Equal(t, 7*time.Second, c.Ledger.SweepEvery)
	require.Equal(t, 5, c.Ledger.Queue)
	require.Equal(t, "info", c.Log.Level, "an empty variable is not set")
	require.Equal(t, []string{"MASSROUTER_LITSEN"}, unknown)
}

func TestAllProblemsAreReportedAtOnce(t *testing.T) {
	t.Parallel()
	_, _, err := config.Load([]string{
		"MASSROUTER_LISTEN=nowhere", "MASSROUTER_SWEEP_EVERY=soon", "MASSROUTER_LEDGER_QUEUE=0", "MASSROUTER_LOG_LEVEL=loud",
		"REDIS_URL=http://x", "MASSROUTER_OPERATOR_TOKEN=short", "MASSROUTER_VENDOR_KEYS_FILE=/does/not/exist", "MASSROUTER_REQUEST_TIMEOUT=9h",
		"MASSROUTER_DATABASE_CONNS=many",
	}, config.RoleServe)
	var problems config.Problems
	require.ErrorAs(t, err, &problems)
	named := map[string]int{}
	for _, p := range problems {
		named[p.Name]++
	}
	require.Equal(t, map[string]int{
		"MASSROUTER_LISTEN": 1, "MASSROUTER_SWEEP_EVERY": 1, "MASSROUTER_LEDGER_QUEUE": 1, "MASSROUTER_LOG_LEVEL": 1, "REDIS_URL": 1,
		"MASSROUTER_OPERATOR_TOKEN": 1, "MASSROUTER_VENDOR_KEYS_FILE": 1, "MASSROUTER_REQUEST_TIMEOUT": 1, "MASSROUTER_DATABASE_CONNS": 1,
		"DATABASE_URL": 1, "MASSROUTER_JOURNAL_DIR": 1,
	}, named)
	for name := range named {
		require.ErrorContains(t, err, name)
	}
}

func TestEachRoleNeedsItsOwn(t *testing.T) {
	t.Parallel()
	for role, want := range map[config.Role][]string{
		config.RoleServe:    {"DATABASE_URL", "MASSROUTER_JOURNAL_DIR", "MASSROUTER_OPERATOR_TOKEN"},
		config.RoleWork:     {"DATABASE_URL"},
		config.RoleDatabase: {"DATABASE_URL"},
		config.RoleDev:      nil,
		config.RoleLocal:    nil,
	} {
		_, _, err := config.Load(nil, role)
		var problems config.Problems
		errors.As(err, &problems)
		var names []string
		for _, p := range problems {
			names = append(names, p.Name)
		}
		require.ElementsMatch(t, want, names)
	}
}

func file(t *testing.T, content string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	require.NoError(t, os.Chmod(path, mode))
	return path
}

func TestSecretsComeFromFiles(t *testing.T) {
	t.Parallel()
	path := file(t, secretText+"\n", 0o600)
	c, _, err := config.Load([]string{"MASSROUTER_OPERATOR_TOKEN_FILE=" + path, "MASSROUTER_VENDOR_KEY_ACME_FILE=" + path}, config.RoleLocal)
	require.NoError(t, err)
	require.Equal(t, secretText, c.HTTP.OperatorToken.Reveal())
	keys := c.Vendors.Keys.Of("acme")
	require.Len(t, keys, 1)
	require.Equal(t, secretText, keys[0].Secret)

	_, _, err = config.Load([]string{"MASSROUTER_OPERATOR_TOKEN_FILE=" + path, "MASSROUTER_OPERATOR_TOKEN=" + secretText}, config.RoleLocal)
	require.ErrorContains(t, err, "use one of them")
	_, _, err = config.Load([]string{"DATABASE_URL_FILE=/does/not/exist"}, config.RoleDatabase)
	require.ErrorContains(t, err, "DATABASE_URL_FILE")
	require.NotContains(t, err.Error(), "is needed", "what cannot be read is not missing as well")
}

func TestVendorKeys(t *testing.T) {
	t.Parallel()
	path := file(t, `{"acme":"file-key-1","other.vendor":"file-key-2"}`, 0o600)
	c, _, err := config.Load([]string{
		"MASSROUTER_VENDOR_KEYS_FILE=" + path, "MASSROUTER_VENDOR_KEY_ACME=environment-key", "MASSROUTER_VENDOR_KEY_TWO_WORDS=third",
	}, config.RoleLocal)
	require.NoError(t, err)
	for vendor, want := range map[string]string{"acme": "environment-key", "other.vendor": "file-key-2", "two-words": "third", "nobody": ""} {
		keys := c.Vendors.Keys.Of(vendor)
		if want == "" {
			require.Empty(t, keys, vendor)
			continue
		}
		require.Len(t, keys, 1, vendor)
		require.Equal(t, want, keys[0].Secret, vendor)
	}
}

func TestVendorKeysFileIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		content string
		mode    os.FileMode
		want    string
	}{
		"readable by others": {`{"acme":"` + secretText + `"}`, 0o644, "chmod 600"},
		"no JSON":            {"acme=" + secretText, 0o600, "not one JSON object"},
		"a list":             {`["` + secretText + `"]`, 0o600, "not one JSON object"},
		"a number":           {`{"acme":["` + secretText + `",7]}`, 0o600, "keys are strings"},
		"null":               {`{"acme":null}`, 0o600, "keys are strings"},
		"no keys":            {`{"acme":[]}`, 0o600, "1 to 100 keys"},
		"nested list":        {`{"acme":[["` + secretText + `"]]}`, 0o600, "keys are strings"},
		"empty key":          {`{"acme":""}`, 0o600, "empty key"},
		"empty among others": {`{"acme":["` + secretText + `",""]}`, 0o600, "empty key"},
		"twice":              {`{"acme":["` + secretText + `","` + secretText + `"]}`, 0o600, "twice"},
		"the same id":        {`{"acme":[{"id":"a","key":"` + secretText + `"},{"id":"a","key":"other"}]}`, 0o600, "twice"},
		"unknown member":     {`{"acme":{"key":"` + secretText + `","rpm":5}}`, 0o600, "requests_per_minute"},
		"negative limit":     {`{"acme":{"key":"` + secretText + `","parallel":-1}}`, 0o600, "negative"},
		"id that is the key": {`{"acme":{"id":"` + secretText + `","key":"` + secretText + `"}}`, 0o600, "not part of the key"},
		"id with blanks":     {`{"acme":{"id":"a b","key":"` + secretText + `"}}`, 0o600, "the id of a key"},
		"control character":  {`{"acme":"` + secretText + `\r\nX: y"}`, 0o600, "control character"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := config.Load([]string{"MASSROUTER_VENDOR_KEYS_FILE=" + file(t, c.content, c.mode)}, config.RoleLocal)
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), secretText)
		})
	}
}

func TestSecretsAreNeverShown(t *testing.T) {
	t.Parallel()
	c, _, err := config.Load(serving("MASSROUTER_VENDOR_KEY_ACME="+secretText, "REDIS_URL=redis://:"+secretText+"@h"), config.RoleServe)
	require.NoError(t, err)
	encoded, err := json.Marshal(c)
	require.NoError(t, err)
	for _, shown := range []string{
		string(encoded), fmt.Sprint(c), fmt.Sprintf("%+v", c), fmt.Sprintf("%#v", c), fmt.Sprintf("%s %q %x", c.HTTP.OperatorToken, c.HTTP.OperatorToken, c.HTTP.OperatorToken),
		fmt.Sprintf("%v %#v", c.Vendors.Keys, &c.Vendors.Keys), c.HTTP.OperatorToken.String(),
	} {
		require.NotContains(t, shown, secretText)
	}
	require.Contains(t, string(encoded), "[redacted]")
}

func TestProblemsOfURLsDoNotRepeatThem(t *testing.T) {
	t.Parallel()
	_, _, err := config.Load([]string{"DATABASE_URL=mysql://u:" + secretText + "@h/d", "REDIS_URL=:%zz" + secretText}, config.RoleDatabase)
	require.ErrorContains(t, err, "DATABASE_URL")
	require.ErrorContains(t, err, "REDIS_URL")
	require.NotContains(t, err.Error(), secretText)
}

func TestTableIsUpToDate(t *testing.T) {
	t.Parallel()
	want, err := os.ReadFile("../../../../docs/configuration.md")
	require.NoError(t, err)
	var got bytes.Buffer
	require.NoError(t, config.WriteTable(&got))
	require.Equal(t, string(want), got.String(), "run 'make generate'")
}

func TestEverySettingIsDocumented(t *testing.T) {
	t.Parallel()
	names, fields := map[string]bool{}, map[string]bool{}
	for _, s := range config.Settings() {
		require.NotEmpty(t, s.Doc, s.Name)
		require.NotEmpty(t, s.Used, s.Name)
		require.False(t, names[s.Name], "%s is there twice", s.Name)
		require.False(t, fields[s.Field], "the field %s is there twice: problems are reported by it", s.Field)
		names[s.Name], fields[s.Field] = true, true
	}
	require.Greater(t, len(names), 20)
}
