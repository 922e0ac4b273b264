package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/credential"
	"github.com/massrouter/massrouter/gateway/exchange"
)

// target is where and how a vendor is called. It is shared by calls and never changed.
type target struct {
	address string // the vendor's base URL, as it was published
	dialect chat.Dialect
	wire    *catalog.Wire // nil where the vendor's API is as its dialect is
	base    *url.URL
	fixed   *url.URL // the address of conversations, where it does not depend on the call
	// credentials are the ids of the accounts, in the same order; none where the vendor wants no key.
	credentials []string
	accounts    []account
}

// account is the platform's at a vendor, with one of its keys.
type account struct {
	credential.Credential
	header http.Header        // of each call; mostly it has the key
	query  string             // of each call; perhaps it has the key
	tokens *credential.Tokens // what the key is exchanged for, if that is how calls are authorised
	signer *credential.Signer // what calls are signed with, if that is
}

// account finds an account by its credential.
func (t *target) account(id string) *account {
	if i := slices.Index(t.credentials, id); i >= 0 {
		return &t.accounts[i]
	}
	if id == "" && len(t.credentials) == 0 {
		return &t.accounts[0]
	}
	return nil
}

// reveals says whether a text has the account's key in it.
func (a *account) reveals(text string) bool {
	switch {
	case a == nil:
		return false
	case a.tokens != nil && a.tokens.Reveals(text), a.signer != nil && a.signer.Reveals(text):
		return true
	}
	return a.Secret != "" && strings.Contains(text, a.Secret)
}

// at is where a call is sent, without what the account adds.
func (t *target) at(model string, ask exchange.Ask) *url.URL {
	if t.wire != nil {
		path, ok := "", false
		if ask.Stream {
			path, ok = t.wire.Paths[operation(ask.Operation)+"_stream"]
		}
		if !ok {
			path, ok = t.wire.Paths[operation(ask.Operation)]
		}
		if ok {
			return t.base.JoinPath(strings.ReplaceAll(path, "{model}", url.PathEscape(model)))
		}
	}
	if t.fixed != nil && ask.Operation == exchange.Chat {
		return t.fixed
	}
	return exchange.Address(t.dialect, t.base, model, ask)
}

// operation is what an operation is called in the catalogue.
func operation(o exchange.Operation) string {
	if o == exchange.Chat {
		return "chat"
	}
	return string(o)
}

// with is an address with what the account adds to it. Addresses are shared: it changes a copy.
func (a *account) with(u *url.URL) *url.URL {
	if a.query == "" {
		return u
	}
	more := *u
	if more.RawQuery != "" {
		more.RawQuery += "&"
	}
	more.RawQuery += a.query
	return &more
}

// serves says whether the target still is what calls to the vendor need.
func (t *target) serves(v *catalog.Vendor, keys []credential.Credential) bool {
	if t.address != v.BaseURL || t.dialect != chat.Dialect(v.Dialect) || !t.wire.Equal(v.Wire) || len(t.credentials) != len(keys) {
		return false
	}
	for i := range keys {
		if t.accounts[i].Credential != keys[i] {
			return false
		}
	}
	return true
}

// target prepares the calls to a vendor once.
func (g *Gateway) target(v catalog.Vendor) (*target, error) {
	keys := g.o.Credentials.Credentials(v.ID)
	g.targetsMu.RLock()
	t, ok := g.targets[v.ID]
	g.targetsMu.RUnlock()
	if ok && t.serves(&v, keys) {
		return t, nil
	}
	if len(keys) == 0 && (v.Wire == nil || v.Wire.Auth != catalog.AuthNone) {
		return nil, fmt.Errorf("call vendor %s: %w", v.ID, errNoCredential)
	}
	g.targetsMu.Lock() // also while it is made: two of a vendor would each get tokens for themselves
	defer g.targetsMu.Unlock()
	if t, ok := g.targets[v.ID]; ok && t.serves(&v, keys) {
		return t, nil
	}
	t, err := g.newTarget(v, keys)
	if err != nil {
		return nil, err
	}
	g.targets[v.ID] = t
	return t, nil
}

var errNoCredential = errors.New("there is no key")

func (g *Gateway) newTarget(v catalog.Vendor, keys []credential.Credential) (*target, error) {
	u, err := url.Parse(v.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("base url of vendor %s: %w", v.ID, err)
	}
	if u.Path == "" {
		u.Path = "/" // what is joined to no path at all would have no slash before it
	}
	dialect := chat.Dialect(v.Dialect)
	t := &target{address: v.BaseURL, dialect: dialect, wire: v.Wire, base: u, credentials: credential.IDs(keys)}
	if len(keys) == 0 {
		keys = []credential.Credential{{}}
	}
	for _, k := range keys {
		a := newAccount(dialect, v.Wire, k)
		if v.Wire != nil && v.Wire.Auth == catalog.AuthServiceAccount {
			document, err := credential.ParseServiceAccount(k.Secret, u)
			if err != nil {
				return nil, fmt.Errorf("the key %s of vendor %s: %w", k.ID, v.ID, err)
			}
			a.tokens = credential.NewTokens(document, g.o.Transport, g.o.Now)
		}
		if v.Wire != nil && v.Wire.Auth == catalog.AuthSigV4 {
			key, err := credential.ParseAWSKey(k.Secret, v.Wire.Region, u)
			if err != nil {
				return nil, fmt.Errorf("the key %s of vendor %s: %w", k.ID, v.ID, err)
			}
			a.signer = credential.NewSigner(key, g.o.Now)
		}
		t.accounts = append(t.accounts, a)
	}
	if !exchange.NamesModel(dialect) {
		t.fixed = exchange.Address(dialect, u, "", exchange.Ask{})
	}
	return t, nil
}

// newAccount prepares what each call with a key carries.
func newAccount(d chat.Dialect, w *catalog.Wire, k credential.Credential) account {
	a := account{Credential: k, header: exchange.Header(d, k.Secret)}
	if w == nil {
		return a
	}
	query := url.Values{}
	for name, value := range w.Query {
		query.Set(name, value)
	}
	for name, value := range w.Headers {
		a.header.Set(name, value)
	}
	if w.Auth != "" {
		exchange.Disown(a.header)
	}
	switch w.Auth {
	case catalog.AuthBearer:
		a.header.Set("Authorization", "Bearer "+k.Secret)
	case catalog.AuthHeader:
		a.header.Set(w.AuthName, k.Secret)
	case catalog.AuthQuery:
		query.Set(w.AuthName, k.Secret)
	case "", catalog.AuthNone, catalog.AuthServiceAccount, catalog.AuthSigV4:
	}
	a.query = query.Encode()
	return a
}
