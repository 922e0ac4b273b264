package config

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/eventstore/relay/bus"
	"github.com/massrouter/massrouter/eventstore/translog"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/reactors/webhook"
)

// Role is what a configuration is for: it says what must be set.
type Role int

// The roles.
const (
	RoleServe    Role = iota // the API
	RoleWork                 // projections and background work
	RoleDev                  // everything on one machine; what is missing is started
	RoleDatabase             // tools that open the database
	RoleLocal                // tools that need nothing from outside
)

// Problem is one thing that is wrong. Its message never contains a secret.
type Problem struct {
	Name    string // the variable
	Message string
}

// Problems is everything that is wrong.
type Problems []Problem

// Error lists all problems, one a line.
func (p Problems) Error() string {
	lines := make([]string, 0, len(p)+1)
	lines = append(lines, "the configuration has "+plural(len(p), "problem"))
	for _, one := range p {
		lines = append(lines, strings.TrimSpace("  "+one.Name+": "+one.Message))
	}
	return strings.Join(lines, "\n  ")
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// without drops problems of variables that have one already: a value that cannot be read is not missing as well.
func (p Problems) without(known Problems) Problems {
	return slices.DeleteFunc(slices.Clone(p), func(one Problem) bool {
		return slices.ContainsFunc(known, func(k Problem) bool {
			return strings.TrimSuffix(k.Name, fileSuffix) == one.Name
		})
	})
}

// add notes a problem unless ok.
func (p *Problems) add(ok bool, name, format string, args ...any) {
	if !ok {
		*p = append(*p, Problem{Name: name, Message: fmt.Sprintf(format, args...)})
	}
}

// Validate checks everything at once. The error is a Problems.
func (c Config) Validate(role Role) error {
	var p Problems
	c.HTTP.validate(&p, role)
	c.Protect.validate(&p, role, c.HTTP.Listen)
	c.Store.validate(&p, role)
	c.Ledger.validate(&p)
	c.Proof.validate(&p)
	c.Trail.validate(&p)
	c.Bus.validate(&p)
	c.Webhooks.validate(&p)
	c.Secrets.validate(&p)
	c.People.validate(&p, role, c.Secrets.SecretsKeyset.IsSet())
	c.SMS.validate(&p, role)
	c.OAuth.validate(&p)
	c.Gateway.validate(&p, role)
	c.Limits.validate(&p)
	c.Kafka.validate(&p)
	c.Log.validate(&p)
	c.Client.validate(&p)
	if len(p) > 0 {
		return p
	}
	return nil
}

func (h HTTP) validate(p *Problems, role Role) {
	checkListen(p, "MASSROUTER_LISTEN", h.Listen)
	checkListen(p, "MASSROUTER_OPS_LISTEN", h.OpsListen)
	p.add(h.MaxBody >= 1<<10 && h.MaxBody <= 1<<30, "MASSROUTER_MAX_BODY_BYTES", "%d is not between 1 KiB and 1 GiB", h.MaxBody)
	p.add(h.MaxStreams >= 1 && h.MaxStreams <= 1_000_000, "MASSROUTER_MAX_STREAMS", "%d is not between 1 and 1000000", h.MaxStreams)
	above, err := money.Parse(h.ApproveAbove)
	p.add(err == nil && above.Sign() >= 0, "MASSROUTER_APPROVE_ABOVE", "%q is not an amount, zero or more", h.ApproveAbove)
	p.add(role != RoleServe || h.OperatorToken.IsSet(), "MASSROUTER_OPERATOR_TOKEN", "is needed: without it nobody can operate the service")
	if h.OperatorToken.IsSet() {
		_, err := auth.NewOperatorToken(h.OperatorToken.Reveal())
		p.add(err == nil, "MASSROUTER_OPERATOR_TOKEN", "%v", err)
	}
}

func (s Store) validate(p *Problems, role Role) {
	needed := role == RoleServe || role == RoleWork || role == RoleDatabase
	p.add(!needed || s.DatabaseURL.IsSet(), "DATABASE_URL", "is needed: postgres://user:password@host:port/database")
	checkURL(p, "DATABASE_URL", s.DatabaseURL.Reveal(), "postgres", "postgresql")
	checkURL(p, "REDIS_URL", s.RedisURL.Reveal(), "redis", "rediss", "unix")
	p.add(s.MaxConns >= 2 && s.MaxConns <= 1000, "MASSROUTER_DATABASE_CONNS", "%d is not between 2 and 1000", s.MaxConns)
}

func (l Ledger) validate(p *Problems) {
	p.add(l.Queue >= 1 && l.Queue <= 1<<20, "MASSROUTER_LEDGER_QUEUE", "%d is not between 1 and %d", l.Queue, 1<<20)
	p.add(l.MaxBatch >= 1 && l.MaxBatch <= 1<<14, "MASSROUTER_LEDGER_BATCH", "%d is not between 1 and %d", l.MaxBatch, 1<<14)
	checkDuration(p, "MASSROUTER_SWEEP_EVERY", l.SweepEvery, 10*time.Millisecond, time.Hour)
	checkDuration(p, "MASSROUTER_MAINTAIN_EVERY", l.MaintainEvery, 10*time.Millisecond, time.Hour)
	p.add(l.PartitionsAhead >= 1 && l.PartitionsAhead <= 1e9, "MASSROUTER_PARTITIONS_AHEAD", "%d is not between 1 and 1000000000", l.PartitionsAhead)
}

func (l Proof) validate(p *Problems) {
	public := l.LogPublicKey
	if l.LogKey.IsSet() {
		_, own, _, err := translog.ParseKey(l.LogKey.Reveal())
		p.add(err == nil, "MASSROUTER_LOG_KEY", "%v", err)
		p.add(err != nil || public == "" || public == own, "MASSROUTER_LOG_PUBLIC_KEY", "is not the one of MASSROUTER_LOG_KEY, which is %s", own)
	} else if public != "" {
		_, err := audit.NewVerifier(public)
		p.add(err == nil, "MASSROUTER_LOG_PUBLIC_KEY", "%v", err)
	}
	p.add(l.LogDir == "" || l.LogKey.IsSet() || public != "", "MASSROUTER_LOG_DIR", "needs MASSROUTER_LOG_KEY or MASSROUTER_LOG_PUBLIC_KEY")
	checkDuration(p, "MASSROUTER_CHECKPOINT_EVERY", l.CheckpointEvery, time.Millisecond, time.Minute)
}

// PublicKey is the transparency log's public key; "" when none is configured.
func (l Proof) PublicKey() string {
	if !l.LogKey.IsSet() {
		return l.LogPublicKey
	}
	_, public, _, err := translog.ParseKey(l.LogKey.Reveal())
	if err != nil {
		return "" // Validate refuses it
	}
	return public
}

func (b Bus) validate(p *Problems) {
	if b.BusURL.IsSet() {
		err := bus.CheckURL(b.BusURL.Reveal())
		p.add(err == nil, "BUS_URL", "%v", err)
	}
	err := bus.CheckName(b.BusTopic)
	p.add(err == nil, "MASSROUTER_BUS_TOPIC", "%v", err)
	p.add(b.BusBatch >= 1 && b.BusBatch <= 10_000, "MASSROUTER_BUS_BATCH", "%d is not between 1 and 10000", b.BusBatch)
	checkDuration(p, "MASSROUTER_BUS_TIMEOUT", b.BusTimeout, time.Second, 10*time.Minute)
}

func (g Gateway) validate(p *Problems, role Role) {
	p.add(role != RoleServe || g.JournalDir != "", "MASSROUTER_JOURNAL_DIR", "is needed: a folder that survives a restart, one for each process")
	p.add(g.OutputTokens >= 1 && g.OutputTokens <= 1e6, "MASSROUTER_DEFAULT_OUTPUT_TOKENS", "%d is not between 1 and 1000000", g.OutputTokens)
	p.add(g.CacheRoom >= 0 && g.CacheRoom <= 1<<40, "MASSROUTER_CACHE_BYTES_PER_KEY", "%d is not between 0 and 1099511627776", g.CacheRoom)
	_, ok := g.ownKeyRate()
	p.add(ok, "MASSROUTER_OWN_KEY_FEE_PERCENT", "%q is no decimal number from 0 to 100 with at most ten decimals", g.OwnKeyFee)
	checkDuration(p, "MASSROUTER_REQUEST_TIMEOUT", g.RequestTimeout, time.Second, wallet.MaxHoldTTL/3)
	checkDuration(p, "MASSROUTER_FIRST_BYTE_TIMEOUT", g.FirstByteTimeout, 100*time.Millisecond, time.Hour)
	checkDuration(p, "MASSROUTER_STREAM_IDLE_TIMEOUT", g.IdleTimeout, 100*time.Millisecond, time.Hour)
	checkDuration(p, "MASSROUTER_STREAM_TIMEOUT", g.StreamTimeout, time.Second, 24*time.Hour)
	_, err := webhook.ParseNetworks(g.MediaNetworks)
	p.add(err == nil, "MASSROUTER_MEDIA_ALLOW_NETWORKS", "%v", err)
	checkDuration(p, "MASSROUTER_DRAIN_TIMEOUT", g.DrainTimeout, 100*time.Millisecond, time.Hour)
	checkDuration(p, "MASSROUTER_STREAM_KEEP_ALIVE", g.KeepAlive, 10*time.Millisecond, time.Hour)
	p.add(g.Attempts >= 1 && g.Attempts <= 10, "MASSROUTER_VENDOR_ATTEMPTS", "%d is not between 1 and 10", g.Attempts)
}

// OwnKeyRate is OwnKeyFee, which has been validated, as a part of 1.
func (g Gateway) OwnKeyRate() money.Price {
	rate, ok := g.ownKeyRate()
	if !ok {
		return money.MustPrice("1") // Validate refuses it
	}
	return rate
}

func (g Gateway) ownKeyRate() (money.Price, bool) {
	percent, err := money.ParsePrice(g.OwnKeyFee)
	if err != nil || percent.Cmp(money.MustPrice("100")) > 0 {
		return money.Price{}, false
	}
	rate := percent.Part(money.MustPrice("0.01"))
	return rate, rate.Times(100).String() == percent.String()
}

func (l Log) validate(p *Problems) {
	p.add(slices.Contains([]string{"debug", "info", "warn", "error"}, l.Level), "MASSROUTER_LOG_LEVEL", "%q is none of debug, info, warn, error", l.Level)
	p.add(l.Format == "json" || l.Format == "text", "MASSROUTER_LOG_FORMAT", "%q is neither json nor text", l.Format)
	checkDuration(p, "MASSROUTER_SHUTDOWN_GRACE", l.ShutdownGrace, 0, time.Hour)
}

func (c Client) validate(p *Problems) { checkURL(p, "MASSROUTER_SERVER", c.Server, "http", "https") }

func checkDuration(p *Problems, name string, d, least, most time.Duration) {
	p.add(d >= least && d <= most, name, "%s is not between %s and %s", d, least, most)
}

func checkListen(p *Problems, name, address string) {
	_, port, err := net.SplitHostPort(address)
	n, perr := strconv.Atoi(port)
	p.add(err == nil && perr == nil && n >= 0 && n <= 65535, name, "%q is no HOST:PORT", address)
}

// checkURL never repeats the value: it may contain a password.
func checkURL(p *Problems, name, raw string, schemes ...string) {
	if raw == "" {
		return
	}
	u, err := url.Parse(raw)
	p.add(err == nil && slices.Contains(schemes, u.Scheme), name, "is no URL that begins with %s://", strings.Join(schemes, ":// or "))
}
