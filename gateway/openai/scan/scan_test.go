package scan_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/jsonscan"
	"github.com/massrouter/massrouter/gateway/openai/scan"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// values is what a body of this shape says.
type values struct {
	text, number string
	whole        int64
	given        bool
	flag         *bool
	raw          string
	list         []string
	inner        map[string]string
}

func read(s *scan.Scanner) (v values, err error) {
	err = s.Object(func(name []byte) (err error) {
		switch string(name) {
		case "text":
			v.text, err = s.String()
		case "number":
			v.number, err = s.Number()
		case "whole":
			v.whole, v.given, err = s.Whole(1, 10)
		case "flag":
			v.flag, err = s.Bool()
		case "raw":
			raw, readErr := s.Raw()
			v.raw, err = string(raw), readErr
		case "list":
			err = s.Array(func(int) error {
				text, err := s.String()
				v.list = append(v.list, text)
				return err
			})
		case "inner":
			v.inner = map[string]string{}
			err = s.Object(func(name []byte) error {
				key := string(name)
				text, err := s.String()
				v.inner[key] = text
				return err
			})
		default:
			err = s.Skip()
		}
		return err
	})
	if err == nil {
		err = s.End()
	}
	return v, err
}

func strict(body string) (values, error) {
	var s scan.Scanner
	s.Strict([]byte(body))
	defer s.Drop()
	return read(&s)
}

func TestStrict(t *testing.T) {
	t.Parallel()
	v, err := strict(` {"t\u0065xt":"a\"\u00e9","number":1.0E+2,"whole":10,"flag":false,"raw":{"x": [1]},"list":["a",null,"b"],"inner":{"k\\":"v"},"other":[{}]} `)
	require.NoError(t, err)
	no := false
	require.Equal(t, values{
		text: `a"é`, number: "1.0E+2", whole: 10, given: true, flag: &no, raw: `{"x": [1]}`, list: []string{"a", "", "b"}, inner: map[string]string{`k\`: "v"},
	}, v)
	v, err = strict(`{"text":null,"number":null,"whole":null,"flag":null,"raw":null,"list":null,"inner":null}`)
	require.NoError(t, err)
	require.Equal(t, values{inner: map[string]string{}}, v)
}

func TestStrictRefuses(t *testing.T) {
	t.Parallel()
	for body, row := range map[string]struct{ param, message string }{
		``:                               {"", "not valid JSON"},
		`7`:                              {"", "the body is not a JSON object"},
		`{"text":"a"`:                    {"", "not valid JSON"},
		`{"text":"a"} x`:                 {"", "not valid JSON"},
		`{"list":["a"}`:                  {"", "not valid JSON"},
		`{"text":"a","text":"b"}`:        {"", "same name twice"},
		"{\"text\":\"\xff\"}":            {"", "not valid UTF-8"},
		`{"text":7}`:                     {"text", "text is not a string"},
		`{"number":"7"}`:                 {"number", "number is not a number"},
		`{"flag":1}`:                     {"flag", "true or false"},
		`{"list":{}}`:                    {"list", "list is not an array"},
		`{"list":["a","b",3]}`:           {"list[2]", "list[2] is not a string"},
		`{"inner":[]}`:                   {"inner", "inner is not an object"},
		`{"inner":{"a":{}}}`:             {"inner.a", "inner.a is not a string"},
		`{"whole":0}`:                    {"whole", "between 1 and 10"},
		`{"whole":11}`:                   {"whole", "between 1 and 10"},
		`{"whole":1e0}`:                  {"whole", "a whole number"},
		`{"whole":99999999999999999999}`: {"whole", "between 1 and 10"},
	} {
		_, err := strict(body)
		var e *domain.Error
		require.ErrorAs(t, err, &e, body)
		require.Equal(t, domain.CodeInvalid, e.Code, body)
		require.Contains(t, e.Message, row.message, body)
		require.Equal(t, row.param, e.Details["param"], body)
	}
	_, err := strict(`{"other":` + strings.Repeat("[", 1<<20))
	require.Equal(t, domain.CodeInvalid, domain.CodeOf(err))
}

func TestLenient(t *testing.T) {
	t.Parallel()
	var s scan.Scanner
	for body, want := range map[string]values{
		`{"text":7,"number":"1","whole":0.5,"flag":"x","list":"a","inner":7}`: {inner: map[string]string{}},
		`{"text":"a","text":"b"}`: {text: "b"},
		"{\"text\":\"\xff\"}":     {text: "\uFFFD"},
		`{"text":"\ud800"}`:       {text: "\uFFFD"},
		`{"list":["a",{},"b"]}`:   {list: []string{"a", "", "b"}},
		`7`:                       {},
	} {
		s.Lenient([]byte(body))
		v, err := read(&s)
		require.NoError(t, err, body)
		require.Equal(t, want, v, body)
	}
	for _, body := range []string{``, `{`, `{"text"`, `{"list":[`, `{} {}`} {
		s.Lenient([]byte(body))
		_, err := read(&s)
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), body)
	}
}

func TestWhatIsAppendedIsJSON(t *testing.T) {
	t.Parallel()
	yes := true
	var l, e scan.List
	dst := l.Given(l.Given([]byte("{"), "a", "x"), "b", "")
	dst = l.Bool(l.Bool(l.Raw(l.Raw(dst, "c", "1"), "none", ""), "d", &yes), "none", nil)
	dst = append(l.Name(l.Int(dst, "e", -7), "f"), '[')
	dst = jsonscan.AppendString(e.Next(jsonscan.AppendString(e.Next(dst), "x")), "y")
	got := string(append(dst, "]}"...))
	require.Equal(t, `{"a":"x","c":1,"d":true,"e":-7,"f":["x","y"]}`, got) //nolint:testifylint // the bytes matter
	rapid.Check(t, func(t *rapid.T) {
		text := string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))
		quoted := jsonscan.AppendString([]byte("x"), text)[1:]
		require.True(t, json.Valid(quoted))
		require.Equal(t, string([]rune(text)), jsonscan.Unquoted(quoted), "what is no text is replaced")
	})
}
