package jsonscan_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/gateway/jsonscan"
)

// tree reads a whole text by all ways that a scanner has.
func tree(s *jsonscan.Scanner) (any, error) {
	switch s.Kind() {
	case '{':
		m := map[string]any{}
		_, err := s.Object(func(name []byte) error {
			key := string(name)
			v, err := tree(s)
			m[key] = v
			return err
		})
		return m, err
	case '[':
		a := []any{}
		_, err := s.Array(func(i int) error {
			v, err := tree(s)
			if i != len(a) {
				panic("an index is wrong")
			}
			a = append(a, v)
			return err
		})
		return a, err
	}
	raw, at, err := s.Value()
	if err != nil {
		return nil, err
	}
	if string(at.Of(s.Text())) != string(raw) {
		panic("a value stands elsewhere")
	}
	if raw.Kind() == '"' {
		return jsonscan.Unquoted(raw), nil
	}
	var v any
	return v, json.Unmarshal(raw, &v)
}

// FuzzScanner: what it reads is what encoding/json reads, and what it refuses is refused there or worse than that allows: names twice, and
// text that is no UTF-8.
func FuzzScanner(f *testing.F) {
	for _, text := range []string{`{"a":[1,{"b":null}],"\u0041":"x\n"}`, `[]`, `{"a":1,"a":2}`, "\"\xff\"", `"\ud800"`, `{"a":1}x`, ``, `{`, `1e999`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var s jsonscan.Scanner
		s.Strict(text)
		got, err := tree(&s)
		if err == nil {
			err = s.End()
		}
		if err != nil {
			quoted := strings.ToValidUTF8(string(text), "")
			require.LessOrEqual(t, len(err.Error()), 120, quoted)
			return
		}
		var want any
		if json.Unmarshal(text, &want) != nil {
			t.Fatalf("%q is taken", text)
		}
		require.Equal(t, want, got)
	})
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"a":1,"a":2}`:                  "same name twice",
		"{\"a\":\"\xff\"}":               "not valid UTF-8",
		`{"a":"\ud800"}`:                 "not valid JSON",
		`{"a":1}{}`:                      "not valid JSON",
		`[1]`:                            "not a JSON object",
		``:                               "not valid JSON",
		strings.Repeat(`{"a":`, 100_000): "not valid JSON",
	} {
		var s jsonscan.Scanner
		s.Strict([]byte(text))
		err := s.Whole(func([]byte) error { return s.Skip() })
		require.ErrorContains(t, err, want)
	}
	var s jsonscan.Scanner
	s.Lenient([]byte("{\"a\":1,\"a\":\"\xff\"}"))
	require.NoError(t, s.Whole(func([]byte) error { return s.Skip() }), "vendors may")
}
