package benchgateway

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/database"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/load"
	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/eventstore/postgres"
)

const (
	modelPaced = "bench/paced"
	modelSlow  = "bench/slow"
	vendorID   = "bench"

	// The vendor's names; what went straight to it is counted apart from what was billed.
	upstreamDirect = "direct"
	upstreamBilled = "billed"

	prompt = "Sum up in one sentence what a ledger is for, and why each of its entries has two sides; then say the same once more in " +
		"other words, for somebody who has never kept books."

	reasoning                    = 6
	contextLength, longestOutput = 4_000_000, 1_000_000
)

// controls tell the vendor how to answer the calls that are measured.
func (o *Options) controls() string {
	return fmt.Sprintf("?tokens=%d&cached=32&reasoning=%d&between=%s&stamped=1", o.Tokens, reasoning, o.Interval)
}

// slowControls are for the streams that are held open: without a pace of their own they last for eight seconds.
func (o *Options) slowControls() string {
	if o.Interval > 0 {
		return o.controls()
	}
	return "?tokens=32&cached=32&first=100ms&between=250ms&stamped=1"
}

// content is the user's message.
func (o *Options) content() string {
	if o.PromptBytes == 0 {
		return prompt
	}
	return strings.Repeat(prompt+" ", o.PromptBytes/len(prompt)+1)[:o.PromptBytes]
}

// rates are the price of both models; each class has a price of its own, so that a mistaken class shows.
func rates() catalog.Rates {
	return catalog.Rates{
		usage.Input: money.MustPrice("0.000003"), usage.CacheRead: money.MustPrice("0.0000003"), usage.CacheWrite: money.MustPrice("0.00000375"),
		usage.Output: money.MustPrice("0.000015"), usage.Reasoning: money.MustPrice("0.000017"), usage.Request: money.MustPrice("0.000101"),
	}
}

func meta() commands.Meta {
	id := uuid.New()
	return commands.Meta{CommandID: id, Actor: "system:bench", CorrelationID: id, CausationID: id}
}

// seed publishes the models and opens the wallets.
func (s *stage) seed(ctx context.Context) (err error) {
	s.o.Progress("opening %d wallets", s.o.Wallets)
	pool, err := database.Open(ctx, s.db.URL, 4)
	if err != nil {
		return err
	}
	defer pool.Close()
	store, err := postgres.Open(ctx, pool, postgres.Options{})
	if err != nil {
		return fmt.Errorf("open the log: %w", err)
	}
	defer store.Close()
	app, err := commands.New(store, commands.Options{})
	if err != nil {
		return fmt.Errorf("prepare the ledger: %w", err)
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- app.Run(running) }()
	defer func() {
		stop()
		err = errors.Join(err, <-ended)
	}()
	if err := s.publish(ctx, app); err != nil {
		return fmt.Errorf("publish the models: %w", err)
	}
	s.secrets = make([]string, s.o.Wallets)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(64)
	for i := range s.secrets {
		group.Go(func() (err error) {
			s.secrets[i], err = openWallet(ctx, app)
			return err
		})
	}
	return group.Wait()
}

func (s *stage) publish(ctx context.Context, app *commands.App) error {
	vendor := catalog.Vendor{
		ID: vendorID, Name: "Bench", BaseURL: s.vendorURL + root(s.o.Out), Dialect: s.o.Out.Name, CancelPolicy: catalog.Drain,
		MaxTokensField: "max_tokens", Status: catalog.Active,
	}
	if s.o.Out.Vendors {
		vendor.Wire = &catalog.Wire{Auth: catalog.AuthSigV4, Region: "eu-central-1"}
	}
	if _, _, err := app.PublishVendor(ctx, meta(), commands.PublishVendor{Vendor: vendor}); err != nil {
		return err
	}
	for id, upstream := range map[string]string{modelPaced: upstreamBilled + s.o.controls(), modelSlow: upstreamBilled + s.o.slowControls()} {
		if err := publishModel(ctx, app, id, upstream); err != nil {
			return err
		}
	}
	return nil
}

// root is where a vendor of a dialect begins.
func root(d load.Dialect) string {
	switch d.Name {
	case "gemini":
		return "/v1beta"
	case "bedrock":
		return ""
	}
	return "/v1"
}

func publishModel(ctx context.Context, app *commands.App, id, upstream string) error {
	model := catalog.Model{
		ID: id, Name: id, ContextLength: contextLength, MaxCompletionTokens: longestOutput, InputModalities: []string{"text"},
		OutputModalities: []string{"text"}, ReleasedAt: time.Unix(0, 0).UTC(), Status: catalog.Active,
	}
	if _, _, err := app.PublishModel(ctx, meta(), commands.PublishModel{Model: model}); err != nil {
		return err
	}
	endpoint := catalog.Endpoint{
		ID: id + "@" + vendorID, Model: id, Vendor: vendorID, UpstreamModel: upstream, ContextLength: contextLength,
		MaxCompletionTokens: longestOutput, Status: catalog.Active,
	}
	if _, _, err := app.PublishEndpoint(ctx, meta(), commands.PublishEndpoint{Endpoint: endpoint}); err != nil {
		return err
	}
	price := catalog.PriceVersion{ID: uuid.New(), Currency: money.USD, Price: catalog.Schedule{Base: rates()}}
	_, _, err := app.PublishPrice(ctx, meta(), commands.PublishPrice{Endpoint: endpoint.ID, PriceVersion: price})
	return err
}

// openWallet makes a wallet with more money than a run can spend, and returns its key's secret.
func openWallet(ctx context.Context, app *commands.App) (string, error) {
	walletID, keyID := uuid.New(), uuid.New()
	var random [32]byte
	if _, err := rand.Read(random[:]); err != nil {
		return "", fmt.Errorf("make a key: %w", err)
	}
	secret := apikey.Secret(keyID, random)
	if _, _, err := app.OpenWallet(ctx, meta(), commands.OpenWallet{WalletID: walletID, Owner: "bench", Currency: money.USD}); err != nil {
		return "", fmt.Errorf("open a wallet: %w", err)
	}
	if _, _, err := app.TopUp(ctx, meta(), commands.TopUp{
		WalletID: walletID, Amount: money.MustParse("1000000"), Currency: money.USD, PSP: "operator", Reason: "bench",
	}); err != nil {
		return "", fmt.Errorf("top a wallet up: %w", err)
	}
	if _, _, err := app.IssueKey(ctx, meta(), commands.IssueKey{
		KeyID: keyID, WalletID: walletID, Hash: apikey.HashSecret(secret), Label: apikey.Label(secret), Limits: apikey.Limits{Name: "bench"},
	}); err != nil {
		return "", fmt.Errorf("issue a key: %w", err)
	}
	return secret, nil
}
