package gateway

import (
	"net/url"
	"strings"
	"unicode"

	"github.com/massrouter/massrouter/domain/app"
	"github.com/massrouter/massrouter/domain/wallet"
)

const (
	maxReferer = 2000 // bytes that are looked at
	maxTitle   = 100  // bytes that are kept
)

// app is what is recorded of the app that a call comes from. It is settled here, once: a settlement that is read back from the
// journal must be the same command, so nothing may be in it that JSON changes.
func (c *Call) app(facts *wallet.Call) {
	facts.AppID, facts.AppURL, facts.AppTitle = c.AppID, origin(c.Referer), title(c.Title)
}

// origin is the scheme and host of an address, "" for what is no public web address. Paths may say who somebody is, and the names
// of inner machines are nobody's business.
func origin(referer string) string {
	if len(referer) > maxReferer {
		return ""
	}
	u, err := url.Parse(strings.TrimSpace(referer))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	host := strings.ToLower(u.Hostname())
	if !app.PublicHost(host) {
		return ""
	}
	return u.Scheme + "://" + host
}

// title is a name in valid UTF-8 without control characters, cut at a whole character.
func title(text string) string {
	if len(text) > 4*maxTitle {
		text = text[:4*maxTitle]
	}
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(text, "") {
		if unicode.IsControl(r) {
			continue
		}
		if b.Len()+len(string(r)) > maxTitle {
			break
		}
		b.WriteRune(r)
	}
	return strings.TrimSpace(b.String())
}
