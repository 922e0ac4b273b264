package gateway

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOriginOfAReferer(t *testing.T) {
	t.Parallel()
	for referer, want := range map[string]string{
		"https://Notes.Example/a/b?c=d#e":        "https://notes.example",
		"http://notes.example:8080":              "http://notes.example",
		" https://notes.example ":                "https://notes.example",
		"https://somebody@notes.example/":        "https://notes.example",
		"HTTPS://notes.example":                  "https://notes.example",
		"":                                       "",
		"notes.example":                          "",
		"//notes.example":                        "",
		"javascript://notes.example/%0aalert(1)": "",
		"file:///etc/passwd":                     "",
		"http://localhost:3000":                  "",
		"http://127.0.0.1":                       "",
		"http://[::1]:80":                        "",
		"https://printer.lan/":                   "",
		"https://intranet":                       "",
		"https://a\x00b.example":                 "",
		"https://a\nb.example":                   "",
		"https://\xff.example":                   "",
		"https://<script>.example":               "",
		"https://notes.example/" + strings.Repeat("a", 2000):     "",
		"https://" + strings.Repeat("a.", 200) + "example":       "",
		"https://" + strings.Repeat("a", 64) + ".example/a":      "",
		"https://xn--bcher-kva.example/%E4":                      "https://xn--bcher-kva.example",
		"https://bücher.example":                                 "",
		"https://notes.example\\.evil.example":                   "",
		"https://notes.example@evil.example/":                    "https://evil.example",
		"https://notes.example%2eevil.example":                   "",
		"https://notes.example, https://second.example/and/more": "",
	} {
		require.Equal(t, want, origin(referer), "%q", referer)
	}
}

func TestTitleOfAnApp(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Notes": "Notes", " Notes \n": "Notes", "a\x00\x1b[31mb": "a[31mb", "Bücher 书": "Bücher 书", "a\xffb": "ab", "": "", "\x7f": "",
		strings.Repeat("n", 101):                strings.Repeat("n", 100),
		"n" + strings.Repeat("ü", 60):           "n" + strings.Repeat("ü", 49),
		strings.Repeat("\x00", 500) + "too far": "",
	} {
		require.Equal(t, want, title(text), "%q", text)
	}
}

// FuzzApp: whatever the headers say, JSON gives the same text back.
func FuzzApp(f *testing.F) {
	f.Add("https://notes.example/x", "Notes")
	f.Add("http://\xff", "\xc3\x28 ")
	f.Fuzz(func(t *testing.T, referer, name string) {
		for _, text := range []string{origin(referer), title(name)} {
			require.LessOrEqual(t, len(text), 8+253)
			body, err := json.Marshal(text)
			require.NoError(t, err)
			var again string
			require.NoError(t, json.Unmarshal(body, &again))
			require.Equal(t, text, again)
		}
	})
}
