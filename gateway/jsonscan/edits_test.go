package jsonscan_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/gateway/jsonscan"
)

func TestRemove(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ text, want string }{
		{`{"x":1}`, `{}`},
		{`{ "x" : 1 , "x" : 2 }`, `{   }`},
		{`{"a":1,"x":2}`, `{"a":1}`},
		{`{"x":1,"a":2}`, `{"a":2}`},
		{`{"x":1 , "x":2,"a":3,"x":4, "b":5 ,"x":{"x":1}}`, `{ "a":3, "b":5 }`},
	} {
		require.Equal(t, row.want, string(without(t, []byte(row.text))), row.text)
	}
}

// without removes the members x.
func without(t require.TestingT, text []byte) []byte {
	var s jsonscan.Scanner
	s.Lenient(text)
	var spans []jsonscan.Span
	require.NoError(t, s.Whole(func(name []byte) error {
		at, mine := s.Named(), string(name) == "x"
		_, value, err := s.Value()
		if mine {
			spans = append(spans, jsonscan.Span{From: at.From, To: value.To})
		}
		return err
	}))
	var e jsonscan.Edits
	e.Remove(text, spans)
	return e.Append(nil, text)
}

// TestRemoveLeavesTheRest: however many members are removed, what is left is valid JSON with all others in their order.
func TestRemoveLeavesTheRest(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		blank := rapid.SampledFrom([]string{"", " ", "\n\t", "  "})
		var text, want bytes.Buffer
		text.WriteByte('{')
		n := rapid.IntRange(0, 40).Draw(t, "members")
		for i := range n {
			if i > 0 {
				text.WriteByte(',')
			}
			name, value := "x", fmt.Sprint(i)
			if rapid.Bool().Draw(t, "stays") {
				name = "a"
				fmt.Fprintf(&want, "%d;", i)
			}
			fmt.Fprintf(&text, `%s"%s"%s:%s%s%s`, blank.Draw(t, "b"), name, blank.Draw(t, "b"), blank.Draw(t, "b"), value, blank.Draw(t, "b"))
		}
		text.WriteString(blank.Draw(t, "b") + "}")
		left := without(t, text.Bytes())
		require.True(t, json.Valid(left), "%s", left)
		var got bytes.Buffer
		var s jsonscan.Scanner
		s.Lenient(left)
		require.NoError(t, s.Whole(func(name []byte) error {
			require.Equal(t, "a", string(name))
			v, _, err := s.Value()
			fmt.Fprintf(&got, "%s;", v)
			return err
		}))
		require.Equal(t, want.String(), got.String())
	})
}

// TestEdits: replacing ranges one after the other or all at once is the same.
func TestEdits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(rapid.StringMatching(`[a-z]{0,60}`).Draw(t, "text"))
		type change struct {
			at   jsonscan.Span
			with []byte
		}
		var changes []change
		for from := 0; from < len(text); {
			from += rapid.IntRange(0, 5).Draw(t, "gap")
			to := from + rapid.IntRange(1, 3).Draw(t, "length")
			if to > len(text) {
				break
			}
			changes = append(changes, change{jsonscan.Span{From: from, To: to}, []byte(rapid.StringMatching(`[A-Z]{0,3}`).Draw(t, "with"))})
			from = to
		}
		want := bytes.Clone(text)
		for i := len(changes) - 1; i >= 0; i-- {
			c := changes[i]
			want = append(append(bytes.Clone(want[:c.at.From]), c.with...), want[c.at.To:]...)
		}
		var e jsonscan.Edits
		for _, c := range rapid.Permutation(changes).Draw(t, "order") {
			e.Replace(c.at, c.with)
		}
		require.Equal(t, string(want), string(e.Append(nil, text)))
	})
}

func TestAdd(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{`{ }`: `{ "a":1,"b":2}`, `{"x":0}`: `{"x":0,"a":1,"b":2}`} {
		var e jsonscan.Edits
		e.Add([]byte(text), len(text)-1, []byte(`"a":1`), []byte(`"b":2`))
		require.Equal(t, want, string(e.Append(nil, []byte(text))))
	}
}
