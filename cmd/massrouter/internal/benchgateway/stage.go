package benchgateway

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/child"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/load"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/scratch"
	"github.com/massrouter/massrouter/internal/sim"
)

// stage is what a run needs: the database and the processes.
type stage struct {
	o       Options
	dir     string // for the gateway's journal
	db      *scratch.Database
	vendor  *child.Process
	proxy   *child.Process
	gateway *child.Process
	work    *child.Process

	vendorURL  string
	proxyURL   string
	gatewayURL string
	vendorKey  string
	secrets    []string // of the wallets' keys
}

// addresses is what a process prints when it listens.
type addresses struct {
	URL     string `json:"url"`
	BaseURL string `json:"base_url"`
	OpsURL  string `json:"ops_url"`
}

// key is the vendor's key: the document of an access key where calls are signed.
func (s *stage) key() string {
	if s.o.Out.Vendors {
		return `{"access_key_id":"` + sim.SimAccessKey + `","secret_access_key":"` + s.vendorKey + `"}`
	}
	return s.vendorKey
}

// build starts everything. close takes it down, also when build failed.
func (s *stage) build(ctx context.Context) error {
	var err error
	if s.vendorKey, err = secret(); err != nil {
		return err
	}
	if s.dir, err = os.MkdirTemp("", "mrbench"); err != nil {
		return fmt.Errorf("make a folder for the journal: %w", err)
	}
	s.o.Progress("starting PostgreSQL")
	if s.db, err = scratch.Open(ctx, s.o.DatabaseURL, s.o.Log); err != nil {
		return err
	}
	s.o.Progress("starting the simulated vendor, the gateway and the background work")
	var at addresses
	if s.vendor, err = s.start(ctx, nil, &at, "sim", "--listen", "127.0.0.1:0", "--api-key", s.vendorKey, "--json"); err != nil {
		return err
	}
	s.vendorURL = at.URL
	if s.proxy, err = s.start(ctx, nil, &at, "bench", "proxy", "--to", s.vendorURL, "--json"); err != nil {
		return err
	}
	s.proxyURL = at.URL
	if err := s.seed(ctx); err != nil {
		return err
	}
	if err := s.startService(ctx); err != nil {
		return err
	}
	return s.awaitCatalog(ctx)
}

func (s *stage) startService(ctx context.Context) error {
	token, err := secret()
	if err != nil {
		return err
	}
	environ := []string{
		"DATABASE_URL=" + s.db.URL, "MASSROUTER_OPERATOR_TOKEN=" + token, "MASSROUTER_VENDOR_KEY_BENCH=" + s.key(),
		"MASSROUTER_JOURNAL_DIR=" + s.dir, "MASSROUTER_LOG_LEVEL=warn",
		"MASSROUTER_LISTEN=127.0.0.1:0", "MASSROUTER_OPS_LISTEN=127.0.0.1:0",
	}
	var at addresses
	if s.work, err = s.start(ctx, environ, &at, "work", "--json"); err != nil {
		return err
	}
	if s.gateway, err = s.start(ctx, environ, &at, "serve", "--json"); err != nil {
		return err
	}
	s.gatewayURL = at.BaseURL
	return nil
}

// start runs a child with nothing of our own settings but what is given.
func (s *stage) start(ctx context.Context, environ []string, at *addresses, args ...string) (*child.Process, error) {
	var clean []string
	for _, entry := range s.o.Environ {
		if !strings.HasPrefix(entry, "MASSROUTER_") && !strings.HasPrefix(entry, "DATABASE_URL") && !strings.HasPrefix(entry, "REDIS_URL") {
			clean = append(clean, entry)
		}
	}
	p, err := child.Start(ctx, s.o.ChildLog, append(clean, environ...), args...)
	if err != nil {
		return nil, err
	}
	if err := p.Started(ctx, at); err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	return p, nil
}

const catalogPatience = 30 * time.Second

// awaitCatalog returns when the gateway answers a call: its read models have caught up with the log.
func (s *stage) awaitCatalog(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, catalogPatience)
	defer cancel()
	to, err := s.target(modelPaced, len(s.secrets)-1) // the newest key
	if err != nil {
		return err
	}
	crew := load.NewCrew(to, 1)
	defer crew.Close()
	for {
		r := crew.AtRate(ctx, 10, 100*time.Millisecond)
		if r.Calls > 0 && r.Failed == 0 {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("the gateway does not answer: %v", r.Failures)
		}
	}
}

// stopService ends the gateway and the background work, so that nothing changes the ledger any more.
func (s *stage) stopService() error {
	var errs []error
	for _, p := range []**child.Process{&s.gateway, &s.work} {
		if *p != nil {
			errs = append(errs, (*p).Stop())
			*p = nil
		}
	}
	return errors.Join(errs...)
}

func (s *stage) close() error {
	errs := []error{s.stopService()}
	for _, p := range []*child.Process{s.proxy, s.vendor} {
		if p != nil {
			errs = append(errs, p.Stop())
		}
	}
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	if s.dir != "" {
		errs = append(errs, os.RemoveAll(s.dir))
	}
	return errors.Join(errs...)
}

// target is calls of a model through the gateway, with the keys from the given one on.
func (s *stage) target(model string, from int) (load.Target, error) {
	return s.o.In.Target(s.gatewayURL, s.secrets[from:], s.question(model, s.o.Stream || model == modelSlow))
}

// direct is the same calls straight to the vendor, in its own dialect.
func (s *stage) direct() (load.Target, error) {
	return s.o.Out.Target(s.vendorURL, []string{s.vendorKey}, s.question(upstreamDirect+s.o.controls(), s.o.Stream))
}

func (s *stage) question(model string, stream bool) load.Question {
	return load.Question{Model: model, Content: s.o.content(), MaxTokens: int64(max(s.o.Tokens, 32) + reasoning), Stream: stream}
}

func secret() (string, error) {
	raw := make([]byte, 32)
	if _, err := rand.Read(raw); err != nil {
		return "", fmt.Errorf("make a secret: %w", err)
	}
	return hex.EncodeToString(raw), nil
}

// get reads a small answer of the vendor.
func (s *stage) get(ctx context.Context, path string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.vendorURL+path, nil)
	if err != nil {
		return nil, fmt.Errorf("compose a request: %w", err)
	}
	return http.DefaultClient.Do(request)
}
