// Package benchauth measures what authentication costs: API keys, known and not, passwords, and what a flood of sign-ins does to calls.
package benchauth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/child"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/demo"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/folder"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/load"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/program"
	gatewayauth "github.com/massrouter/massrouter/gateway/auth"
	"github.com/massrouter/massrouter/http/openapi/client"
	"github.com/massrouter/massrouter/identity/password"
	"github.com/massrouter/massrouter/projections/keys"
)

// Options of a run.
type Options struct {
	Dir      string // an empty folder, for a product of its own
	Keys     int    // that are looked up
	Rate     int    // calls a second
	Flood    int    // connections that sign in, each again as soon as it has its answer
	Duration time.Duration
	Environ  []string
	ChildLog io.Writer
	Progress func(format string, args ...any)
}

// Report is the result. Times of keys are microseconds, all others milliseconds.
type Report struct {
	CachedP50    float64 `json:"key_cached_p50_us"`
	CachedP99    float64 `json:"key_cached_p99_us"`
	UncachedP50  float64 `json:"key_uncached_p50_us"`
	UncachedP99  float64 `json:"key_uncached_p99_us"`
	PasswordMS   float64 `json:"password_ms"` // of one argon2id hash, alone
	CallsP50     float64 `json:"calls_p50_ms"`
	CallsP99     float64 `json:"calls_p99_ms"`
	FloodedP50   float64 `json:"calls_flooded_p50_ms"`
	FloodedP99   float64 `json:"calls_flooded_p99_ms"`
	ChangePct    float64 `json:"calls_p99_change_percent"`
	Failed       int64   `json:"calls_failed"`
	SignIns      int64   `json:"sign_ins"`         // answered in the flood
	SignInsBusy  int64   `json:"sign_ins_refused"` // of them, because too many did
	SignInP50    float64 `json:"sign_in_p50_ms"`
	SignInPerSec float64 `json:"sign_ins_per_s"`
}

const turns = 3 // how often calms and floods alternate

// Run starts a product and measures it.
func Run(ctx context.Context, o Options) (report Report, err error) {
	o.Progress("starting a product in %s", o.Dir)
	var clean []string
	for _, entry := range o.Environ {
		if !strings.HasPrefix(entry, "MASSROUTER_") && !strings.HasPrefix(entry, "DATABASE_URL") && !strings.HasPrefix(entry, "REDIS_URL") {
			clean = append(clean, entry)
		}
	}
	p, err := child.Start(ctx, o.ChildLog, append(clean, "MASSROUTER_LOG_LEVEL=error"), "dev", "--json", "--data", o.Dir, "--listen", "127.0.0.1:0")
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, p.Stop()) }()
	info, err := ready(ctx, o.Dir)
	if err != nil {
		return report, err
	}
	secrets, err := issue(ctx, o, info)
	if err != nil {
		return report, err
	}
	o.Progress("looking %d keys up", len(secrets))
	if err := ofKeys(ctx, info, secrets, &report); err != nil {
		return report, err
	}
	if report.PasswordMS, err = ofPasswords(ctx); err != nil {
		return report, err
	}
	return report, ofFloods(ctx, o, info, &report)
}

// ready waits until the product says where it is.
func ready(ctx context.Context, dir string) (folder.Info, error) {
	const patience, pause = 2 * time.Minute, 100 * time.Millisecond
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		info, err := folder.ReadInfo(dir)
		if err == nil {
			return info, nil
		}
		select {
		case <-ctx.Done():
			return info, fmt.Errorf("wait for the product: %w", errors.Join(ctx.Err(), err))
		case <-time.After(pause):
		}
	}
}

// issue makes keys.
func issue(ctx context.Context, o Options, info folder.Info) ([]string, error) {
	api, err := client.NewClientWithResponses(info.BaseURL, client.WithRequestEditorFn(func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+info.OperatorToken)
		return nil
	}))
	if err != nil {
		return nil, fmt.Errorf("prepare to issue keys: %w", err)
	}
	var secrets []string
	var last int64
	for range o.Keys {
		r, err := api.IssueKeyWithResponse(ctx, info.WalletID, &client.IssueKeyParams{}, client.IssueKey{Name: "bench"})
		if err != nil {
			return nil, fmt.Errorf("issue a key: %w", err)
		}
		if r.JSON201 == nil {
			return nil, fmt.Errorf("issue a key: %s", r.Status())
		}
		secrets, last = append(secrets, r.JSON201.Secret), int64(r.JSON201.Position)
	}
	pool, err := pgxpool.New(ctx, info.PostgresURL)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	defer pool.Close()
	_, err = keys.NewQuery(pool).Key(ctx, uuid.Nil, last) // waits for the read model
	if err != nil && !strings.Contains(err.Error(), "no such key") {
		return nil, fmt.Errorf("wait for the keys: %w", err)
	}
	return secrets, nil
}

// ofKeys looks each key up for the first time, and then again and again.
func ofKeys(ctx context.Context, info folder.Info, secrets []string, report *Report) error {
	pool, err := pgxpool.New(ctx, info.PostgresURL)
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	defer pool.Close()
	a := gatewayauth.New(program.CallerKeys(keys.NewQuery(pool)), gatewayauth.Options{Known: time.Hour})
	measure := func(n int) ([]time.Duration, error) {
		took := make([]time.Duration, 0, n)
		for i := range n {
			header := "Bearer " + secrets[i%len(secrets)]
			begun := time.Now()
			if _, _, err := a.Header(ctx, header); err != nil {
				return nil, fmt.Errorf("authenticate a key: %w", err)
			}
			took = append(took, time.Since(begun))
		}
		return took, nil
	}
	if err := pool.Ping(ctx); err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	first, err := measure(len(secrets))
	if err != nil {
		return err
	}
	const again = 200_000
	known, err := measure(again)
	if err != nil {
		return err
	}
	us := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }
	q := load.Quantiles(first, 500, 990)
	report.UncachedP50, report.UncachedP99 = us(q[0]), us(q[1])
	q = load.Quantiles(known, 500, 990)
	report.CachedP50, report.CachedP99 = us(q[0]), us(q[1])
	return nil
}

// ofPasswords is what one password costs while nobody else signs in.
func ofPasswords(ctx context.Context) (float64, error) {
	h, err := password.NewHasher(password.Options{})
	if err != nil {
		return 0, fmt.Errorf("prepare to hash: %w", err)
	}
	const passwords = 5
	var took []time.Duration
	for range passwords {
		begun := time.Now()
		if _, err := h.Hash(ctx, "correct horse battery"); err != nil {
			return 0, fmt.Errorf("hash a password: %w", err)
		}
		took = append(took, time.Since(begun))
	}
	return ms(load.Quantiles(took, 0)[0]), nil // others wait for their turn as well
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }

// ofFloods calls a model at a steady rate, in turns without and with a flood of sign-ins.
func ofFloods(ctx context.Context, o Options, info folder.Info, report *Report) error {
	dialect, _ := load.DialectOf("openai")
	to, err := dialect.Target(info.BaseURL, []string{info.APIKey}, load.Question{Model: demo.Model, Content: "Hello", MaxTokens: 1})
	if err != nil {
		return err
	}
	const connections = 64
	crew := load.NewCrew(to, connections)
	defer crew.Close()
	const warmUp = time.Second
	crew.AtRate(ctx, o.Rate, warmUp)
	var calm, flooded load.Result
	var f flood
	for turn := range turns {
		o.Progress("calls without and with a flood of sign-ins, turn %d of %d", turn+1, turns)
		calm.Add(crew.AtRate(ctx, o.Rate, o.Duration/turns))
		stop := f.begin(ctx, info.BaseURL, o.Flood)
		flooded.Add(crew.AtRate(ctx, o.Rate, o.Duration/turns))
		stop()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	q := calm.Quantiles(500, 990)
	report.CallsP50, report.CallsP99 = ms(q[0]), ms(q[1])
	q = flooded.Quantiles(500, 990)
	report.FloodedP50, report.FloodedP99 = ms(q[0]), ms(q[1])
	report.ChangePct = 100 * (report.FloodedP99 - report.CallsP99) / max(report.CallsP99, 0.001)
	report.Failed = calm.Failed + flooded.Failed
	report.SignIns, report.SignInsBusy = int64(len(f.took)), f.busy
	if len(f.took) > 0 {
		report.SignInP50 = ms(load.Quantiles(f.took, 500)[0])
		report.SignInPerSec = float64(len(f.took)) / o.Duration.Seconds()
	}
	return nil
}
