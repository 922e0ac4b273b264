package demo

import (
	"strings"
	"time"

	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/internal/sim"
)

// offer is one model with its one endpoint and price.
type offer struct {
	model    catalog.Model
	vendor   string
	upstream string // the simulator's model with its controls: length, thinking and pace of an answer
	price    catalog.Schedule
	cost     *catalog.Schedule
}

// The vendors: one for each dialect, all of them the same simulator.
const (
	aurora   = "aurora"
	meridian = "meridian"
	boreal   = "boreal"
	summit   = "summit"
)

// Vendors are the ids of the vendors, which all take the simulator's key.
func Vendors() []string { return []string{aurora, meridian, boreal, summit} }

// Key is what a vendor's key is, of a simulator with that key: a document where calls are signed with it.
func Key(vendor, key string) string {
	if vendor != summit {
		return key
	}
	return `{"access_key_id":"` + sim.SimAccessKey + `","secret_access_key":"` + key + `"}`
}

// Model is a model that every demonstration has, for the curl line.
const Model = "aurora/polaris-mini"

func vendors(baseURL string) []catalog.Vendor {
	vendor := func(id, name, dialect, maxTokens string, policy catalog.CancelPolicy) catalog.Vendor {
		return catalog.Vendor{
			ID: id, Name: name, BaseURL: baseURL, Dialect: dialect, CancelPolicy: policy, MaxTokensField: maxTokens, Status: catalog.Active,
		}
	}
	signed := vendor(summit, "Summit (simulated)", "bedrock", "max_tokens", catalog.Drain)
	signed.BaseURL = strings.TrimSuffix(baseURL, "/v1")
	signed.Wire = &catalog.Wire{Auth: catalog.AuthSigV4, Region: "eu-central-1"}
	return []catalog.Vendor{
		vendor(aurora, "Aurora (simulated)", "openai", "max_completion_tokens", catalog.Cancel),
		vendor(meridian, "Meridian (simulated)", "anthropic", "max_tokens", catalog.Drain),
		vendor(boreal, "Boreal (simulated)", "gemini", "max_tokens", catalog.Drain),
		signed,
	}
}

// offers are seven models whose prices have the shapes of real price lists, in USD.
func offers() []offer {
	return []offer{
		{
			model:  model("aurora/polaris-pro", "Polaris Pro", "The flagship: it thinks before it answers.", 400_000, 128_000, "text", "image"),
			vendor: aurora, upstream: "polaris-pro?tokens=60&reasoning=40&first=250ms&between=12ms",
			price: catalog.Schedule{Base: perMillion("input", "1.25", "cache_read", "0.125", "output", "10")},
			cost:  &catalog.Schedule{Base: perMillion("input", "1.1", "cache_read", "0.11", "output", "8.8")},
		},
		{
			model:  model(Model, "Polaris Mini", "Fast and thrifty, for everyday work.", 400_000, 128_000, "text", "image"),
			vendor: aurora, upstream: "polaris-mini?tokens=40&reasoning=8&first=120ms&between=8ms",
			price: catalog.Schedule{Base: perMillion("input", "0.25", "cache_read", "0.025", "output", "2")},
		},
		{
			model:  model("aurora/polaris-nano", "Polaris Nano", "The smallest, for classification and search.", 400_000, 128_000, "text"),
			vendor: aurora, upstream: "polaris-nano?tokens=24&first=40ms&between=3ms",
			price: catalog.Schedule{Base: perMillion("input", "0.05", "cache_read", "0.005", "output", "0.4")},
		},
		{
			model:  model("meridian/atlas", "Atlas", "A million tokens of context; long prompts have a price of their own.", 1_000_000, 64_000, "text", "image"),
			vendor: meridian, upstream: "atlas?tokens=80&first=300ms&between=15ms",
			price: catalog.Schedule{
				Base: perMillion("input", "3", "cache_read", "0.3", "cache_write", "3.75", "cache_write_1h", "6", "output", "15"),
				Overrides: []catalog.Override{{
					MinPromptTokens: 200_000,
					Rates:           perMillion("input", "6", "cache_read", "0.6", "cache_write", "7.5", "cache_write_1h", "12", "output", "22.5"),
				}},
			},
		},
		{
			model:  model("meridian/atlas-lite", "Atlas Lite", "Quick answers with a large context.", 200_000, 64_000, "text", "image"),
			vendor: meridian, upstream: "atlas-lite?tokens=40&first=150ms&between=6ms",
			price: catalog.Schedule{Base: perMillion("input", "1", "cache_read", "0.1", "cache_write", "1.25", "cache_write_1h", "2", "output", "5")},
		},
		{
			model:  model("boreal/scout", "Scout", "An open model, cheaper outside the busy hours.", 128_000, 32_000, "text"),
			vendor: boreal, upstream: "scout?tokens=50&reasoning=20&first=200ms&between=10ms",
			price: catalog.Schedule{
				Base: perMillion("input", "0.27", "cache_read", "0.07", "output", "1.1"),
				Overrides: []catalog.Override{{
					UTCStart: "16:30", UTCEnd: "00:30", Rates: perMillion("input", "0.135", "cache_read", "0.035", "output", "0.55"),
				}},
			},
		},
		{
			model:  model("summit/ridge", "Ridge", "Runs in a data centre of its own: calls are signed, answers come in frames.", 300_000, 64_000, "text", "image"),
			vendor: summit, upstream: "summit.ridge-v1:0?tokens=40&first=180ms&between=9ms",
			price: catalog.Schedule{Base: perMillion("input", "0.8", "cache_read", "0.08", "cache_write", "1", "cache_write_1h", "1.6", "output", "3.2")},
		},
	}
}

func model(id, name, description string, context, output int64, inputs ...string) catalog.Model {
	return catalog.Model{
		ID: id, Name: name, Description: description + " Simulated: its text means nothing.",
		ContextLength: context, MaxCompletionTokens: output, InputModalities: inputs, OutputModalities: []string{"text"},
		SupportedParameters: []string{
			"max_tokens", "temperature", "top_p", "stop", "seed", "tools", "tool_choice", "response_format",
			"frequency_penalty", "presence_penalty",
		},
		Tokenizer: "o200k", ReleasedAt: time.Date(2026, 1, 15, 0, 0, 0, 0, time.UTC), Status: catalog.Active,
	}
}

// perMillion reads pairs of a class and its price for a million tokens.
func perMillion(pairs ...string) catalog.Rates {
	rates := catalog.Rates{}
	for i := 0; i+1 < len(pairs); i += 2 {
		perToken, err := money.Percent(money.MustParse(pairs[i+1]), money.MustPrice("0.0001")) // a millionth
		if err != nil {
			panic(err) // the lists above are constants
		}
		rates[usage.Class(pairs[i])] = money.MustPrice(perToken.String())
	}
	return rates
}
