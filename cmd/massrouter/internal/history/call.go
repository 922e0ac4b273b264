package history

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

const (
	models  = 6
	vendors = 2
)

func model(i int) string { return "bench/model-" + strconv.Itoa(i) }

// Offer is one model, and its endpoint at one vendor.
func Offer() (name, endpoint string) { return model(0), model(0) + "@" + vendor(0) }

func vendor(i int) string { return "vendor-" + strconv.Itoa(i) }

// Meta is a command's, with its own id for all that belongs together.
func Meta(id uuid.UUID) commands.Meta {
	return commands.Meta{CommandID: id, Actor: "system:bench", CorrelationID: id, CausationID: id}
}

// Publish offers each model at each vendor, at prices that differ.
func Publish(ctx context.Context, app *commands.App) error {
	for v := range vendors {
		published := catalog.Vendor{
			ID: vendor(v), Name: vendor(v), BaseURL: "http://127.0.0.1/v1", Dialect: "openai", CancelPolicy: catalog.Cancel,
			MaxTokensField: "max_tokens", Status: catalog.Active,
		}
		if _, _, err := app.PublishVendor(ctx, Meta(uuid.New()), commands.PublishVendor{Vendor: published}); err != nil {
			return fmt.Errorf("publish a vendor: %w", err)
		}
	}
	for m := range models {
		published := catalog.Model{
			ID: model(m), Name: model(m), ContextLength: 128_000, MaxCompletionTokens: 16_000, InputModalities: []string{"text"},
			OutputModalities: []string{"text"}, ReleasedAt: time.Unix(0, 0).UTC(), Status: catalog.Active,
		}
		if _, _, err := app.PublishModel(ctx, Meta(uuid.New()), commands.PublishModel{Model: published}); err != nil {
			return fmt.Errorf("publish a model: %w", err)
		}
		for v := range vendors {
			if err := offer(ctx, app, m, v); err != nil {
				return err
			}
		}
	}
	return nil
}

func offer(ctx context.Context, app *commands.App, m, v int) error {
	id := model(m) + "@" + vendor(v)
	if _, _, err := app.PublishEndpoint(ctx, Meta(uuid.New()), commands.PublishEndpoint{Endpoint: catalog.Endpoint{
		ID: id, Model: model(m), Vendor: vendor(v), UpstreamModel: "upstream", ContextLength: 128_000, MaxCompletionTokens: 16_000,
		Status: catalog.Active,
	}}); err != nil {
		return fmt.Errorf("publish an endpoint: %w", err)
	}
	rates := func(unit string) catalog.Schedule {
		return catalog.Schedule{Base: catalog.Rates{
			usage.Input: money.MustPrice("0.00000" + unit), usage.CacheRead: money.MustPrice("0.000000" + unit), usage.Output: money.MustPrice("0.0000" + unit),
		}}
	}
	cost := rates(strconv.Itoa(1 + m))
	price := catalog.PriceVersion{ID: uuid.New(), Currency: money.USD, Price: rates(strconv.Itoa(2 + m)), Cost: &cost}
	if _, _, err := app.PublishPrice(ctx, Meta(uuid.New()), commands.PublishPrice{Endpoint: id, PriceVersion: price}); err != nil {
		return fmt.Errorf("publish a price: %w", err)
	}
	return nil
}

func open(ctx context.Context, app *commands.App) (Account, error) {
	a := NewAccount(uuid.New())
	if _, _, err := app.OpenWallet(ctx, Meta(uuid.New()), commands.OpenWallet{WalletID: a.Wallet, Currency: money.USD}); err != nil {
		return a, fmt.Errorf("open a wallet: %w", err)
	}
	if _, _, err := app.TopUp(ctx, Meta(uuid.New()), commands.TopUp{
		WalletID: a.Wallet, Amount: money.MustParse("1000000000"), Currency: money.USD, PSP: "operator", Reason: "bench",
	}); err != nil {
		return a, fmt.Errorf("top a wallet up: %w", err)
	}
	if _, _, err := app.IssueKey(ctx, Meta(uuid.New()), commands.IssueKey{
		KeyID: a.Key, WalletID: a.Wallet, Hash: apikey.HashSecret(a.Key.String()), Label: "bench", Limits: apikey.Limits{Name: "bench"},
	}); err != nil {
		return a, fmt.Errorf("issue a key: %w", err)
	}
	return a, nil
}

// call places a hold and ends it: mostly by a charge, one time in fifty by a release.
func call(ctx context.Context, app *commands.App, draw *rand.Rand, a Account, at time.Time) error {
	hold, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("draw an id: %w", err)
	}
	m := min(draw.IntN(models), draw.IntN(models)) // some are used more
	endpoint := model(m) + "@" + vendor(draw.IntN(vendors))
	prompt, output := 100+int64(draw.ExpFloat64()*1500), 20+int64(draw.ExpFloat64()*300)
	prompt, output = min(prompt, 100_000), min(output, 16_000)
	if _, _, err := app.PlaceHold(ctx, Meta(hold), commands.PlaceHold{
		HoldID: hold, WalletID: a.Wallet, KeyID: a.Key, Model: model(m), Endpoint: endpoint, PromptTokens: prompt, CompletionTokens: output,
		TTL: time.Hour,
	}); err != nil {
		return fmt.Errorf("place a hold: %w", err)
	}
	first := 80 + int64(draw.ExpFloat64()*400)
	facts := wallet.Call{
		Streamed: true, FinishReason: "stop", NativeFinishReason: "stop", UpstreamID: "chatcmpl-" + hold.String()[24:], Attempts: 1,
		StartedAt: at.UTC().Truncate(time.Microsecond), FirstTokenMS: first, DurationMS: first + 12*output,
	}
	end := Meta(domain.DeriveID(hold, "end"))
	if draw.IntN(50) == 0 {
		facts.Error, facts.FirstTokenMS = "vendor_overloaded", 0
		if _, _, err := app.ReleaseHold(ctx, end, commands.ReleaseHold{HoldID: hold, WalletID: a.Wallet, Reason: "upstream_failed", Call: facts}); err != nil {
			return fmt.Errorf("release a hold: %w", err)
		}
		return nil
	}
	cached := prompt * draw.Int64N(3) / 4
	if _, _, err := app.SettleHold(ctx, end, commands.SettleHold{
		HoldID: hold, WalletID: a.Wallet, Endpoint: endpoint, Provenance: usage.Reported, Call: facts,
		Usage: usage.Usage{usage.Input: prompt - cached, usage.CacheRead: cached, usage.Output: output, usage.Request: 1},
	}); err != nil {
		return fmt.Errorf("settle a hold: %w", err)
	}
	return nil
}
