package program

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	"github.com/massrouter/massrouter/gateway/limit"
	hs "github.com/massrouter/massrouter/http"
	"github.com/massrouter/massrouter/http/firewall"
	"github.com/massrouter/massrouter/http/middleware"
	"github.com/massrouter/massrouter/http/problem"
)

// reloadEvery is how often files are looked at that can change.
const reloadEvery = 2 * time.Second

// watched is a file, or several, that is read again when it changes.
type watched struct {
	name  string
	files []string
	read  func() error // keeps what it had when it fails
	every time.Duration
	log   zerolog.Logger

	seen []stamp
}

// stamp is what of a file changes with its content. Files that are replaced, as secrets of orchestrators are, get another one, too.
type stamp struct {
	at   time.Time
	size int64
}

func (f *watched) stamps() ([]stamp, error) {
	stamps := make([]stamp, len(f.files))
	for i, file := range f.files {
		info, err := os.Stat(file)
		if err != nil {
			return nil, fmt.Errorf("look at %s: %w", f.name, err)
		}
		stamps[i] = stamp{info.ModTime(), info.Size()}
	}
	return stamps, nil
}

// start reads for the first time.
func (f *watched) start() error {
	var err error
	if f.seen, err = f.stamps(); err != nil {
		return err
	}
	return f.read()
}

// run reads again after each change, until the context ends. What cannot be read is logged once for each change.
func (f *watched) run(ctx context.Context) error {
	tick := time.NewTicker(f.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			f.look()
		}
	}
}

func (f *watched) look() {
	now, err := f.stamps()
	if err != nil || equal(now, f.seen) {
		return // while a file is replaced it may be missing
	}
	f.seen = now
	if err := f.read(); err != nil {
		f.log.Error().Err(err).Str("what", f.name).Msg("a file changed and cannot be used; what it said before goes on")
		return
	}
	f.log.Info().Str("what", f.name).Msg("a file changed and was read again")
}

func equal(a, b []stamp) bool {
	for i := range a {
		if !a[i].at.Equal(b[i].at) || a[i].size != b[i].size {
			return false
		}
	}
	return true
}

// openProtection reads the files that guard the API.
func (p *Program) openProtection() error {
	c := p.o.Config.Protect
	if c.TLSCert != "" {
		var current atomic.Pointer[tls.Certificate]
		certificate := &watched{name: "certificate", files: []string{c.TLSCert, c.TLSKey}, every: reloadEvery, log: p.o.Log, read: func() error {
			pair, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
			if err != nil {
				return fmt.Errorf("read the certificate: %w", err)
			}
			current.Store(&pair)
			return nil
		}}
		if err := certificate.start(); err != nil {
			return err
		}
		p.watched = append(p.watched, certificate)
		p.tls = &tls.Config{MinVersion: tls.VersionTLS13, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return current.Load(), nil }}
	}
	if c.RulesFile != "" {
		p.gate = &middleware.Gate{}
		rules := &watched{name: "address rules", files: []string{c.RulesFile}, every: reloadEvery, log: p.o.Log, read: func() error {
			rules, err := config.ReadRules(c.RulesFile)
			if err == nil {
				p.gate.Set(rules)
			}
			return err
		}}
		if err := rules.start(); err != nil {
			return err
		}
		p.watched = append(p.watched, rules)
	}
	return nil
}

// protection is what stands before the handlers.
func (p *Program) protection() (hs.Protection, error) {
	c := p.o.Config.Protect
	proxies, err := c.Proxies()
	if err != nil {
		return hs.Protection{}, fmt.Errorf("MASSROUTER_TRUSTED_PROXIES: %w", err)
	}
	var client redis.UniversalClient // nil without a server, and not a nil pointer in an interface
	if p.limitRedis != nil {
		client = p.limitRedis
	}
	var key []byte // nil without a keyset: nobody signs in then
	if p.secrets != nil {
		if key, err = p.secrets.Derive("massrouter hashes of tries"); err != nil {
			return hs.Protection{}, fmt.Errorf("derive the key of what is counted: %w", err)
		}
	}
	wall, err := p.firewall()
	if err != nil {
		return hs.Protection{}, err
	}
	return hs.Protection{
		Proxies: proxies, Firewall: wall, Gate: p.gate, Limiter: p.limits, Attempts: limit.NewAttempts(client, key, time.Now, p.o.Log),
		Limits: hs.RequestLimits{Address: c.AddressRate, Console: c.ConsoleRate, SignIn: c.SignInRate, User: c.UserRate},
	}, nil
}

// firewall stands before the console; nil when it is off.
func (p *Program) firewall() (func(http.Handler) http.Handler, error) {
	mode := p.o.Config.Protect.Firewall
	if mode == config.FirewallOff || mode == "" {
		return nil, nil //nolint:nilnil // off is no error
	}
	hits := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "massrouter_firewall_rules_total", Help: "Requests to the console that matched a rule of the firewall, by the rule's number.",
	}, []string{"rule"})
	if err := register(p.registry, hits); err != nil {
		return nil, err
	}
	f, err := firewall.New(firewall.Options{
		Detect: mode == config.FirewallDetect, Refuse: problem.Write, Logger: p.o.Log,
		OnHit: func(rule int) { hits.WithLabelValues(strconv.Itoa(rule)).Inc() },
	})
	if err != nil {
		return nil, fmt.Errorf("prepare the firewall (MASSROUTER_FIREWALL): %w", err)
	}
	return f.Middleware, nil
}

// watching are the files that can change.
func (p *Program) watching() stage {
	all := make(stage, len(p.watched))
	for i, f := range p.watched {
		all[i] = actor{f.name, f.run}
	}
	return all
}
