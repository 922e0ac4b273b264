package commands_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
)

// TestFrozenInputs: every input in testdata/inputs.txt is still hashed from the bytes of its line. Each command has a
// line with all of its fields and one with none. Lines are added by hand, and never changed or removed: a retry that
// comes after a deployment must find the hash of its first try.
func TestFrozenInputs(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("testdata/inputs.txt")
	require.NoError(t, err)
	types := commandTypes(t)
	lines, missing := map[string]bool{}, map[string][]string{}
	for line := range strings.Lines(string(content)) {
		line = strings.TrimSuffix(line, "\n")
		name, body, _ := strings.Cut(line, "{")
		require.Contains(t, types, name, "a command that was released is gone")
		c := decodeInput(t, types[name], "{"+body)
		encoded, err := domain.AppendJSON([]byte(name), c)
		require.NoError(t, err)
		require.Equal(t, line, string(encoded), "the input of %s is encoded in another way", name)
		hash, err := commands.InputHash(c)
		require.NoError(t, err)
		require.Equal(t, sha256.Sum256([]byte(line)), hash, name)
		lines[line] = true
		if rest, fewest := unset(name, reflect.ValueOf(c)), missing[name]; fewest == nil || len(rest) < len(fewest) {
			missing[name] = append([]string{}, rest...)
		}
	}
	for name, command := range types {
		zero, err := domain.AppendJSON([]byte(name), reflect.Zero(command).Interface())
		require.NoError(t, err)
		require.True(t, lines[string(zero)], "no line has %s without content: %s", name, zero)
		require.Empty(t, missing[name], "no line has all fields of %s", name)
	}
}

// commandTypes finds the commands by their names: they are what the methods of App take beside a Meta.
func commandTypes(t *testing.T) map[string]reflect.Type {
	t.Helper()
	out := map[string]reflect.Type{}
	app := reflect.TypeFor[*commands.App]()
	for i := range app.NumMethod() {
		method := app.Method(i).Type
		if method.NumIn() != 4 || method.In(2) != reflect.TypeFor[commands.Meta]() {
			continue
		}
		c, ok := reflect.Zero(method.In(3)).Interface().(commands.Input)
		require.True(t, ok, "%s takes no command", app.Method(i).Name)
		require.NotContains(t, out, commands.NameOf(c), "two commands have the same name")
		out[commands.NameOf(c)] = method.In(3)
	}
	require.NotEmpty(t, out)
	return out
}

func decodeInput(t *testing.T, command reflect.Type, body string) commands.Input {
	t.Helper()
	into := reflect.New(command)
	dec := json.NewDecoder(bytes.NewReader([]byte(body)))
	dec.DisallowUnknownFields()
	require.NoError(t, dec.Decode(into.Interface()), body)
	c, ok := into.Elem().Interface().(commands.Input)
	require.True(t, ok)
	return c
}

// unset lists the fields without content in and below a value.
func unset(path string, v reflect.Value) (out []string) {
	if v.IsZero() {
		return []string{path}
	}
	switch v.Kind() {
	case reflect.Pointer:
		return unset(path, v.Elem())
	case reflect.Slice:
		for i := range v.Len() {
			out = append(out, unset(path+"["+strconv.Itoa(i)+"]", v.Index(i))...)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				out = append(out, unset(path+"."+f.Name, v.Field(i))...)
			}
		}
	}
	return out
}
