package domain_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain"
)

// row has every kind of field that Fields reads.
type row struct {
	ID     uuid.UUID `json:"id"`
	Text   string    `json:"text"`
	Number int64     `json:"number"`
	Flag   bool      `json:"flag"`
	At     time.Time `json:"at"`
	List   []int64   `json:"list"`
}

func (r *row) read(body string) bool {
	f := domain.ReadObject([]byte(body))
	r.ID = f.ID("id")
	r.Text = f.String("text")
	r.Number = f.Int("number")
	if f.Has("flag") {
		r.Flag = f.Bool("flag")
	}
	r.At = f.Time("at")
	f.Value("list", func(b []byte) ([]byte, bool) {
		r.List = []int64{}
		return domain.ReadList(b, func(b []byte) ([]byte, bool) {
			n, rest, ok := domain.ReadInt(b)
			r.List = append(r.List, n)
			return rest, ok
		})
	})
	rest, ok := f.End()
	return ok && len(rest) == 0
}

func TestFieldsReadWhatTheyUnderstand(t *testing.T) {
	t.Parallel()
	const (
		id    = `{"id":"019ced0d-1a2b-7e33-b5c4-7d8e9f0a1b03",`
		text  = `"text":"plain",`
		count = `"number":7,`
		end   = `"at":"2026-03-14T15:09:26.535897Z","list":[]}`
	)
	for name, c := range map[string]struct {
		body string
		fine bool
	}{
		"plain":                {id + text + count + end, true},
		"optional field":       {id + text + count + `"flag":true,` + end, true},
		"false":                {id + text + count + `"flag":false,` + end, true},
		"upper-case id":        {`{"id":"019CED0D-1A2B-7E33-B5C4-7D8E9F0A1B03",` + text + count + end, true},
		"no ASCII":             {id + `"text":"東京 – Zürich",` + count + end, true},
		"negative":             {id + text + `"number":-7,` + end, true},
		"18 digits":            {id + text + `"number":-999999999999999999,` + end, true},
		"list":                 {id + text + count + `"at":"2026-03-14T15:09:26Z","list":[1,-2,0]}`, true},
		"empty":                {``, false},
		"empty object":         {`{}`, false},
		"null":                 {`null`, false},
		"cut off":              {id + text, false},
		"space":                {id + ` ` + text + count + end, false},
		"other order":          {id + count + text + end, false},
		"field twice":          {id + text + text + count + end, false},
		"unknown field":        {id + text + count + `"more":1,` + end, false},
		"missing comma":        {id + `"text":"plain"` + count + end, false},
		"bytes behind":         {id + text + count + end + ` `, false},
		"id without dashes":    {`{"id":"019ced0d1a2b7e33b5c47d8e9f0a1b031234",` + text + count + end, false},
		"id of other letters":  {`{"id":"019ced0d-1a2b-7e33-b5c4-7d8e9f0a1b0g",` + text + count + end, false},
		"escape":               {id + `"text":"\u0041",` + count + end, false},
		"broken UTF-8":         {id + "\"text\":\"\xff\"," + count + end, false},
		"control":              {id + "\"text\":\"\n\"," + count + end, false},
		"no string":            {id + `"text":7,` + count + end, false},
		"leading zero":         {id + text + `"number":07,` + end, false},
		"19 digits":            {id + text + `"number":1000000000000000000,` + end, false},
		"fraction":             {id + text + `"number":7.0,` + end, false},
		"exponent":             {id + text + `"number":7e1,` + end, false},
		"plus":                 {id + text + `"number":+7,` + end, false},
		"minus only":           {id + text + `"number":-,` + end, false},
		"number in quotes":     {id + text + `"number":"7",` + end, false},
		"flag in words":        {id + text + count + `"flag":yes,` + end, false},
		"no time":              {id + text + count + `"at":"yesterday","list":[]}`, false},
		"no list":              {id + text + count + `"at":"2026-03-14T15:09:26Z","list":{}}`, false},
		"list without an end":  {id + text + count + `"at":"2026-03-14T15:09:26Z","list":[1,`, false},
		"list with two commas": {id + text + count + `"at":"2026-03-14T15:09:26Z","list":[1,,2]}`, false},
	} {
		var fast, slow row
		require.Equal(t, c.fine, fast.read(c.body), name)
		if c.fine {
			require.NoError(t, json.Unmarshal([]byte(c.body), &slow), name)
			require.Equal(t, slow, fast, name)
		}
	}
}

// TestStringsAreReadAsByteByByte: whatever stands where, a string ends at the first quote, and is refused when it needs
// unescaping.
func TestStringsAreReadAsByteByByte(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		piece := rapid.OneOf(rapid.StringMatching(`[ -~]{0,12}`), rapid.SampledFrom([]string{`"`, `\`, "\x1f", " ", "\x7f", "é", "\xff", "\x80", "!", "#", "[", "]", "\x00"}))
		body := `"` + strings.Join(rapid.SliceOfN(piece, 0, 8).Draw(t, "pieces"), "") + rapid.SampledFrom([]string{"", `"`, `",x`}).Draw(t, "end")
		want, wantOK := "", false
		for i, c := range []byte(body[1:]) {
			if c == '"' {
				want = body[1 : 1+i]
				wantOK = utf8.ValidString(want)
			}
			if c == '"' || c == '\\' || c < ' ' {
				break
			}
		}
		got, rest, ok := domain.ReadString([]byte(body))
		require.Equal(t, wantOK, ok, "%q", body)
		if ok {
			require.Equal(t, want, string(got), "%q", body)
			require.Equal(t, body[len(want)+2:], string(rest), "%q", body)
		}
	})
}

// TestIDsAreReadAsHexadecimal: of any 36 bytes, those are an id that the uuid package takes for one.
func TestIDsAreReadAsHexadecimal(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id")).String())
		for range rapid.IntRange(0, 2).Draw(t, "changes") {
			text[rapid.IntRange(0, len(text)-1).Draw(t, "at")] = rapid.OneOf(rapid.Byte(), rapid.SampledFrom([]byte("ABCDEFabcdef0189/:@G`g-"))).Draw(t, "byte")
		}
		f := domain.ReadObject([]byte(`{"id":"` + string(text) + `"}`))
		got := f.ID("id")
		_, ok := f.End()
		want, err := uuid.ParseBytes(text)
		require.Equal(t, err == nil, ok, "%q", text)
		if ok {
			require.Equal(t, want, got)
		}
	})
}
