// Package firewall refuses requests that look like attacks, by the OWASP core rule set. It stands before the console only: a prompt may
// say anything, also what an attack looks like. It reads requests and never answers; credentials are not shown to it, and what a request
// said is not logged.
package firewall

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"

	coreruleset "github.com/corazawaf/coraza-coreruleset/v4"
	"github.com/corazawaf/coraza/v3"
	"github.com/corazawaf/coraza/v3/types"
	"github.com/rs/zerolog"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/problem"
	"github.com/massrouter/massrouter/http/request"
)

//go:embed setup.conf
var setup string

//go:embed exceptions.conf
var exceptions string

// verdict is the rule that refuses a request: when the scores of those that matched come to more than the threshold.
const verdict = 949110

// maxBody is the largest body that is looked at, and that comes through; more than the console's own bound.
const maxBody = 256 << 10

// Options of a Firewall.
type Options struct {
	Detect bool // only logs what it would refuse
	Refuse func(http.ResponseWriter, *http.Request, error)
	Logger zerolog.Logger
	OnHit  func(rule int) // of each rule that matched; many at a time; may be nil
}

// Firewall looks at requests. It is safe for concurrent use.
type Firewall struct {
	waf coraza.WAF
	o   Options
}

// New reads the rules, which takes a moment.
func New(o Options) (*Firewall, error) {
	engine := "SecRuleEngine On"
	if o.Detect {
		engine = "SecRuleEngine DetectionOnly"
	}
	f := &Firewall{o: o}
	waf, err := coraza.NewWAF(coraza.NewWAFConfig().WithRootFS(coreruleset.FS).WithErrorCallback(f.matched).
		WithDirectives("Include @coraza.conf-recommended").WithDirectives("Include @crs-setup.conf.example").
		WithDirectives(setup).WithDirectives("Include @owasp_crs/*.conf").WithDirectives(exceptions).WithDirectives(engine))
	if err != nil {
		return nil, fmt.Errorf("read the rules of the firewall: %w", err)
	}
	f.waf = waf
	return f, nil
}

// matched logs which rule matched, and nothing of what the request said: it may be a password.
func (f *Firewall) matched(m types.MatchedRule) {
	if f.o.OnHit != nil {
		f.o.OnHit(m.Rule().ID())
	}
	f.o.Logger.Warn().Int("rule", m.Rule().ID()).Str("severity", m.Rule().Severity().String()).Str("request_id", m.TransactionID()).
		Bool("refused", m.Rule().ID() == verdict && m.Disruptive()).Msg("a request matched a rule of the firewall")
}

// Middleware refuses what the rules refuse.
func (f *Firewall) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := readBody(w, r)
		if err != nil {
			f.o.Refuse(w, r, err)
			return
		}
		refused, err := f.look(r, body)
		switch {
		case err != nil:
			f.o.Refuse(w, r, err)
		case refused:
			f.o.Refuse(w, r, domain.Errorf(domain.CodeForbidden, "this request looks like an attack, and is not answered"))
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// readBody reads the body, and puts it back for the handler.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if long := (*http.MaxBytesError)(nil); errors.As(err, &long) {
		return nil, domain.Errorf(problem.CodeTooLarge, "a request has at most %d bytes", long.Limit)
	}
	if err != nil {
		return nil, domain.Errorf(domain.CodeInvalid, "the body could not be read to its end").Wrap(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body, nil
}

// look says whether the rules refuse a request.
func (f *Firewall) look(r *http.Request, body []byte) (refused bool, err error) {
	tx := f.waf.NewTransactionWithID(request.ID(r.Context()).String())
	defer func() {
		tx.ProcessLogging()
		err = errors.Join(err, tx.Close())
	}()
	tx.ProcessConnection(addressOf(r), 0, "", 0)
	tx.ProcessURI(r.URL.String(), r.Method, r.Proto)
	for name, values := range r.Header {
		if isCredential(name) {
			continue
		}
		for _, value := range values {
			tx.AddRequestHeader(name, value)
		}
	}
	tx.AddRequestHeader("Host", r.Host)
	tx.SetServerName(r.Host)
	if tx.ProcessRequestHeaders() != nil {
		return true, nil
	}
	if len(body) > 0 {
		if stop, _, err := tx.WriteRequestBody(body); err != nil {
			return false, fmt.Errorf("show a body to the firewall: %w", err)
		} else if stop != nil {
			return true, nil
		}
	}
	stop, err := tx.ProcessRequestBody()
	if err != nil {
		return false, fmt.Errorf("ask the firewall: %w", err)
	}
	return stop != nil, nil
}

func addressOf(r *http.Request) string {
	if a := request.Address(r.Context()); a != (netip.Addr{}) {
		return a.String()
	}
	return "192.0.2.0" // of nobody (RFC 5737)
}

func isCredential(name string) bool {
	switch strings.ToLower(name) {
	case "authorization", "cookie", "idempotency-key":
		return true
	}
	return false
}
