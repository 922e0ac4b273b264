package domain_test

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
)

// updateNew adds what is missing and changes nothing that is there: what was stored once is read for ever.
var updateNew = flag.Bool("update-new", false, "add names and samples of new event versions to testdata")

const (
	namesFile    = "testdata/event_names.txt"
	sampleFolder = "testdata/events"
)

// TestEventNamesAreFinal: a name that was released stays registered.
func TestEventNamesAreFinal(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(namesFile)
	if !*updateNew || !os.IsNotExist(err) {
		require.NoError(t, err)
	}
	golden := strings.Fields(string(content))
	known := map[string]bool{}
	for _, name := range golden {
		require.False(t, known[name], "%s has %s twice", namesFile, name)
		known[name] = true
	}
	registered := map[string]bool{}
	for _, spec := range everything(t).Specs() {
		registered[spec.Type] = true
		require.Equal(t, spec.Type, spec.Zero.EventType())
		require.Regexp(t, `^[a-z]+\.[a-z_]+\.v[1-9][0-9]*$`, spec.Type)
		require.NotEmpty(t, spec.Doc)
		if !known[spec.Type] && *updateNew {
			golden = append(golden, spec.Type)
			known[spec.Type] = true
		}
		require.True(t, known[spec.Type], "%s is not in %s: add it with -update-new", spec.Type, namesFile)
	}
	for _, name := range golden {
		require.True(t, registered[name], "%s was released and cannot be read any more", name)
	}
	if *updateNew {
		require.NoError(t, os.MkdirAll(filepath.Dir(namesFile), 0o750))
		require.NoError(t, os.WriteFile(namesFile, []byte(strings.Join(golden, "\n")+"\n"), 0o600))
	}
}

// TestFrozenSamples: each stored form that was ever released decodes, and encodes to the same bytes.
func TestFrozenSamples(t *testing.T) {
	t.Parallel()
	registry := everything(t)
	if *updateNew {
		addSamples(t)
	}
	files, err := filepath.Glob(filepath.Join(sampleFolder, "*.json"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), len(registry.Specs()))
	set := map[string]map[string]bool{}
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		name := typeOf(strings.TrimSuffix(filepath.Base(file), ".json"))
		body := strings.TrimSuffix(string(content), "\n")
		e, err := registry.Decode(name, []byte(body))
		require.NoError(t, err, file)
		again, err := domain.Encode(e)
		require.NoError(t, err, file)
		require.Equal(t, body, string(again), "%s: the stored form of %s changed", file, name)
		if set[name] == nil {
			set[name] = map[string]bool{}
		}
		markSet(set[name], name, reflect.ValueOf(e))
	}
	for _, spec := range registry.Specs() {
		require.Contains(t, set, spec.Type, "no sample of %s: add one with -update-new", spec.Type)
		for field, filled := range set[spec.Type] {
			require.True(t, filled, "no sample of %s has the field %s", spec.Type, field)
		}
	}
}

// typeOf takes the variant off a sample's name: "wallet.usage_charged.v1.late" is a wallet.usage_charged.v1.
func typeOf(sample string) string {
	return strings.Join(strings.SplitN(sample, ".", 4)[:3], ".")
}

func addSamples(t *testing.T) {
	t.Helper()
	require.NoError(t, os.MkdirAll(sampleFolder, 0o750))
	for name, e := range samples() {
		require.Equal(t, typeOf(name), e.EventType())
		path := filepath.Join(sampleFolder, name+".json")
		if _, err := os.Stat(path); err == nil {
			continue
		}
		body, err := domain.Encode(e)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, append(body, '\n'), 0o600))
	}
}

// markSet notes for each field under a value whether it has content, so that no optional field goes unseen.
func markSet(set map[string]bool, path string, v reflect.Value) {
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		if v = v.Elem(); v.Kind() == reflect.Struct && hasFields(v.Type()) {
			set[path] = true // where it is missing, that stands for its fields
		}
	}
	if v.Kind() != reflect.Struct || !hasFields(v.Type()) {
		set[path] = set[path] || !v.IsZero()
		if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct {
			for i := range v.Len() {
				markSet(set, path+"[]", v.Index(i))
			}
		}
		return
	}
	for i := range v.NumField() {
		markSet(set, path+"."+v.Type().Field(i).Name, v.Field(i))
	}
}

// hasFields is false for structs that are one value to JSON: amounts and times.
func hasFields(t reflect.Type) bool {
	for i := range t.NumField() {
		if f := t.Field(i); !f.IsExported() && !f.Anonymous {
			return false
		}
	}
	return true
}
