package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/gateway/meter"
	"github.com/massrouter/massrouter/gateway/ownkey"
)

// LookupPath is the operation under which a vendor's wire.paths say where the usage of a call is looked up by the call's id, which is sent
// as the query parameter id. The answer is OpenRouter's: native token counts under data.
const LookupPath = "usage"

// Lookup names a call at its vendor.
type Lookup struct {
	Endpoint   string
	UpstreamID string
	Credential string // of the key that the vendor was called with
	Completion int64  // the most that the call could produce
}

var (
	// ErrNoLookup says that a vendor has no look-ups, or that nothing is known by which the call could be found.
	ErrNoLookup = errors.New("the usage of this call cannot be looked up")
	// ErrNotReady says that a vendor does not know the call's usage yet.
	ErrNotReady = errors.New("the vendor does not know the usage of this call yet")
)

// maxLookup bounds a vendor's answer, in bytes.
const maxLookup = 64 << 10

// LooksUp says whether an endpoint's vendor can be asked what a call used.
func (g *Gateway) LooksUp(p Picture, endpoint string) bool {
	return p.lookupPath(endpoint) != ""
}

func (p Picture) lookupPath(endpoint string) string {
	v, ok := p.Vendors[p.Endpoints[endpoint].Vendor]
	if !ok || v.Wire == nil {
		return ""
	}
	return v.Wire.Paths[LookupPath]
}

// LookUp asks the vendor of a call what it used. Errors: ErrNoLookup, ErrNotReady, and others that may pass: the vendor cannot be reached,
// or says what cannot be true.
func (g *Gateway) LookUp(ctx context.Context, l Lookup) (usage.Usage, error) {
	p, err := g.o.Catalog.Get(ctx)
	if err != nil {
		return nil, err
	}
	endpoint := p.Endpoints[l.Endpoint]
	path := p.lookupPath(l.Endpoint)
	if path == "" || l.UpstreamID == "" {
		return nil, ErrNoLookup
	}
	var own *ownkey.Usable
	if id, customers := wallet.OwnKeyOf(l.Credential); customers {
		if own = g.foundOwnKey(id); own == nil {
			return nil, ErrNoLookup // no key of the platform's knows the call
		}
		l.Credential = own.Credential.ID // it may have been replaced since
	}
	t, err := g.targetOf(p.Vendors[endpoint.Vendor], own)
	if err != nil {
		return nil, err
	}
	a := t.account(l.Credential)
	if a == nil {
		a = &t.accounts[0] // the key was taken away since; another of the platform's may know the call
	}
	if a.tokens != nil || a.signer != nil {
		return nil, ErrNoLookup
	}
	raw, err := g.fetch(ctx, a, t.base.JoinPath(path), l.UpstreamID)
	if err != nil {
		return nil, err
	}
	report, err := parseLookup(raw, l.UpstreamID)
	if err != nil {
		return nil, err
	}
	if code := report.Absurd(meter.Bounds{Context: endpoint.ContextLength, Completion: l.Completion}, false); code != "" {
		return nil, fmt.Errorf("look a usage up: what the vendor says cannot be true: %s", code)
	}
	return report.Usage(), nil
}

// fetch sends one look-up.
func (g *Gateway) fetch(ctx context.Context, a *account, u *url.URL, id string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, g.o.LedgerTimeout)
	defer cancel()
	asked := *u
	asked.RawQuery = url.Values{"id": {id}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.with(&asked).String(), http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("look a usage up: %w", err)
	}
	req.Header = a.header.Clone()
	req.Header.Del("Content-Type")
	resp, err := g.o.Transport.RoundTrip(req)
	if err != nil {
		return nil, fmt.Errorf("look a usage up: %w", err)
	}
	defer func() { _ = resp.Body.Close() }() // what was read is all there is
	switch {
	case resp.StatusCode == http.StatusNotFound:
		return nil, ErrNotReady
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("look a usage up: the vendor answered %d", resp.StatusCode)
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxLookup+1))
	if err != nil {
		return nil, fmt.Errorf("look a usage up: %w", err)
	}
	if len(raw) > maxLookup {
		return nil, fmt.Errorf("look a usage up: the answer has more than %d bytes", maxLookup)
	}
	return raw, nil
}

// parseLookup reads OpenRouter's answer. Counts of the model's own tokenizer are what is billed; where there are none, nothing is known yet.
func parseLookup(raw []byte, id string) (*meter.Report, error) {
	var answer struct {
		Data struct {
			ID         string `json:"id"`
			Prompt     *int64 `json:"native_tokens_prompt"`
			Completion *int64 `json:"native_tokens_completion"`
			Reasoning  *int64 `json:"native_tokens_reasoning"`
			Cached     *int64 `json:"native_tokens_cached"`
		} `json:"data"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return nil, errors.New("look a usage up: the answer is not what was agreed on") // it may have anything in it
	}
	d := &answer.Data
	switch {
	case d.ID != id:
		return nil, errors.New("look a usage up: the answer is about another call")
	case d.Prompt == nil || d.Completion == nil:
		return nil, ErrNotReady
	}
	report := &meter.Report{Given: true, Prompt: *d.Prompt, Completion: *d.Completion}
	if d.Reasoning != nil {
		report.Reasoning = *d.Reasoning
	}
	if d.Cached != nil {
		report.Cached = *d.Cached
	}
	return report, nil
}
