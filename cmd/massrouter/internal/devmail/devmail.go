// Package devmail shows on this machine what would be sent by mail: with it somebody who develops can prove a mailbox that does not exist.
package devmail

import (
	"bytes"
	"encoding/json"
	"html/template"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"github.com/massrouter/massrouter/reactors/mail"
)

// Path is where it is.
const Path = "/dev/mail"

// Box has messages, the newest first.
type Box interface{ List() []mail.Sent }

// Handler shows a box, as a page, or as JSON to those who ask for that. It answers this machine only, and only under a name of this machine: links to set
// passwords are in it.
type Handler struct {
	box  Box
	page *template.Template
}

// New makes a Handler.
func New(box Box) (*Handler, error) {
	t, err := template.New("").Funcs(template.FuncMap{"parts": parts}).Parse(page)
	return &Handler{box: box, page: t}, err
}

const page = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Mail that was not sent</title><meta http-equiv="refresh" content="5">
<style>body{font-family:system-ui,sans-serif;max-width:800px;margin:24px auto;padding:0 16px}article{border:1px solid #ccc;border-radius:8px;padding:12px 16px;margin:12px 0}pre{white-space:pre-wrap;font:inherit}small{color:#555}</style></head>
<body><h1>Mail that was not sent</h1><p>massrouter dev sends none. The newest is first.</p>
{{range .}}<article><small>{{.At.Format "15:04:05"}} to {{.To}}</small><h2>{{.Subject}}</h2><pre>{{range parts .Text}}{{if .Link}}<a href="{{.Link}}">{{.Link}}</a>{{else}}{{.Text}}{{end}}{{end}}</pre></article>{{else}}<p>There is none yet.</p>{{end}}
</body></html>
`

type part struct{ Text, Link string }

var link = regexp.MustCompile(`https?://\S+`)

// parts are a text with its links apart.
func parts(text string) []part {
	var all []part
	for {
		at := link.FindStringIndex(text)
		if at == nil {
			return append(all, part{Text: text})
		}
		all = append(all, part{Text: text[:at[0]]}, part{Link: text[at[0]:at[1]]})
		text = text[at[1]:]
	}
}

// shown is a message in JSON.
type shown struct {
	At      time.Time `json:"at"`
	To      string    `json:"to"`
	Subject string    `json:"subject"`
	Text    string    `json:"text"`
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !isHere(r) {
		http.NotFound(w, r)
		return
	}
	var b bytes.Buffer
	all := h.box.List()
	if strings.Contains(r.Header.Get("Accept"), "application/json") {
		messages := make([]shown, len(all))
		for i := range all {
			messages[i] = shown{At: all[i].At, To: string(all[i].To), Subject: all[i].Subject, Text: all[i].Text}
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(&b).Encode(messages) // plain strings
	} else {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; frame-ancestors 'none'")
		if err := h.page.Execute(&b, all); err != nil {
			http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
			return
		}
	}
	_, _ = w.Write(b.Bytes()) // who went away needs no answer
}

// isHere says whether a request comes from this machine and names it: a page of another site whose name leads here does not.
func isHere(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !peer.Addr().Unmap().IsLoopback() || r.Header.Get("X-Forwarded-For") != "" {
		return false
	}
	name := r.Host
	if host, _, err := net.SplitHostPort(r.Host); err == nil {
		name = host
	}
	ip, err := netip.ParseAddr(strings.Trim(name, "[]"))
	return name == "localhost" || err == nil && ip.IsLoopback()
}
