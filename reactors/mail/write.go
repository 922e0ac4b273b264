package mail

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"regexp"
	"strings"
	texttemplate "text/template"
	"unicode"

	"github.com/massrouter/massrouter/identity/account"
)

//go:embed words
var words embed.FS

// page is how a mail looks to readers of HTML: the same words.
const page = `<!doctype html><html lang="{{.Language}}"><head><meta charset="utf-8"><title>{{.Subject}}</title></head>
<body style="margin:0;padding:24px;background:#f6f6f7;font-family:system-ui,sans-serif;color:#18181b">
<div style="max-width:560px;margin:0 auto;background:#fff;border-radius:8px;padding:24px;line-height:1.5">
{{range .Parts}}{{if .Link}}<p><a href="{{.Link}}" style="display:inline-block;padding:10px 16px;border-radius:6px;background:#18181b;color:#fff;text-decoration:none">{{$.Action}}</a></p><p style="font-size:12px;color:#52525b;word-break:break-all">{{.Link}}</p>{{else}}<p>{{.Text}}</p>{{end}}{{end}}
</div></body></html>
`

// Writer writes mails. It is safe for concurrent use.
type Writer struct {
	portal string // the portal's address, without a slash at the end
	texts  *texttemplate.Template
	html   *template.Template
}

// NewWriter makes a Writer whose links lead to the portal.
func NewWriter(portal string) (*Writer, error) {
	w := &Writer{portal: strings.TrimSuffix(portal, "/"), texts: texttemplate.New("").Option("missingkey=error")}
	var err error
	if w.html, err = template.New("").Parse(page); err != nil {
		return nil, fmt.Errorf("read the page of mails: %w", err)
	}
	err = fs.WalkDir(words, "words", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := words.ReadFile(path)
		if err != nil {
			return err
		}
		_, err = w.texts.New(strings.TrimSuffix(strings.TrimPrefix(path, "words/"), ".txt")).Parse(string(text))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the words of mails: %w", err)
	}
	return w, nil
}

// paths are where the links of mails lead to in the portal. The secret is behind a #, so that it is in no server's log.
func path(p account.Purpose) string {
	switch p {
	case account.Verify:
		return "/verify-email#"
	case account.Reset:
		return "/reset-password#"
	case account.Change:
		return "/confirm-email#"
	}
	return ""
}

// oneLine is what somebody calls something, without what would begin a line of its own, a header or a link, and without what cannot be seen.
func oneLine(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(c rune) bool { return unicode.IsSpace(c) || !unicode.IsGraphic(c) }), " ")
}

// linked is what readers make links of by themselves: the dots of a host, an address of IPv4, and what stands between a protocol and a host.
var linked = regexp.MustCompile(`\.\pL|://|\b\d{1,3}(\.\d{1,3}){3}\b`)

// unlinked is text of others as no reader makes a link of it.
func unlinked(text string) string {
	broken := strings.NewReplacer(".", "[.]", "://", "[:]//")
	return linked.ReplaceAllStringFunc(text, broken.Replace)
}

// plain says which details are shown as they are: what was looked at and is ours or the reader's own.
func plain(name string) bool { return name == "masked" || name == "domain" || name == "record" }

// Write writes a mail. Its first line is the subject, its second one what the link is called. secret is that of its link; "" for none.
func (w *Writer) Write(kind account.Kind, language account.Language, details map[string]string, secret string) (m Message, err error) {
	values := make(map[string]string, len(details)+1)
	for name, value := range details {
		if values[name] = oneLine(value); !plain(name) {
			values[name] = unlinked(values[name])
		}
	}
	if secret != "" {
		values["link"] = w.portal + path(kind.Link()) + secret
	}
	var b bytes.Buffer
	if err := w.texts.ExecuteTemplate(&b, string(language)+"/"+string(kind), values); err != nil {
		return m, fmt.Errorf("write a mail: %w", err)
	}
	lines := strings.SplitN(strings.TrimSpace(b.String()), "\n", 3)
	if len(lines) < 3 {
		return m, fmt.Errorf("the words of %s/%s have no subject, action and text", language, kind)
	}
	m.Subject, m.Text = lines[0], strings.TrimSpace(lines[2])+"\n"
	type part struct{ Text, Link string }
	shown := struct {
		Language, Subject, Action string
		Parts                     []part
	}{string(language), m.Subject, lines[1], nil}
	for _, text := range strings.Split(strings.TrimSpace(lines[2]), "\n\n") {
		if secret != "" && text == values["link"] {
			shown.Parts = append(shown.Parts, part{Link: text})
			continue
		}
		shown.Parts = append(shown.Parts, part{Text: strings.ReplaceAll(text, "\n", " ")})
	}
	b.Reset()
	if err := w.html.Execute(&b, shown); err != nil {
		return m, fmt.Errorf("write a mail: %w", err)
	}
	m.HTML = b.String()
	return m, nil
}
