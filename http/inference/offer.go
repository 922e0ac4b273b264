package inference

import (
	"time"

	domaincatalog "github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/projections/catalog"
)

// offer is an endpoint that can be called now, with the price that it is called at.
type offer struct {
	endpoint domaincatalog.Endpoint
	vendor   domaincatalog.Vendor
	price    domaincatalog.PriceVersion
}

// callable is a model with the offers of it, the preferred one first.
type callable struct {
	model  domaincatalog.Model
	offers []offer
}

func (c callable) first() offer { return c.offers[0] }

// offered finds the offers of a model that are active, by an active vendor, with a price in force for a price group; ok is false without any.
func offered(s *catalog.Snapshot, id, group string, now time.Time) (c callable, ok bool) {
	c.model, ok = s.Models[id]
	if !ok || c.model.Status != domaincatalog.Active {
		return callable{}, false
	}
	for _, id := range s.ByModel[id] {
		o := offer{endpoint: s.Endpoints[id], vendor: s.Vendors[s.Endpoints[id].Vendor]}
		if o.endpoint.Status != domaincatalog.Active || o.vendor.Status != domaincatalog.Active {
			continue
		}
		if o.price, ok = s.PriceInForce(id, group, now); ok {
			c.offers = append(c.offers, o)
		}
	}
	return c, len(c.offers) > 0
}

// allOffered lists the callable models in the order of their publication.
func allOffered(s *catalog.Snapshot, group string, now time.Time) []callable {
	all := make([]callable, 0, len(s.ModelOrder))
	for _, id := range s.ModelOrder {
		if c, ok := offered(s, id, group, now); ok {
			all = append(all, c)
		}
	}
	return all
}

// pricing is OpenRouter's price object: USD per unit as decimal strings. A price that is absent is that of its parent.
type pricing struct {
	Prompt       string `json:"prompt"`
	Completion   string `json:"completion"`
	Request      string `json:"request,omitempty"`
	CacheRead    string `json:"input_cache_read,omitempty"`
	CacheWrite   string `json:"input_cache_write,omitempty"`
	CacheWrite1h string `json:"input_cache_write_1h,omitempty"`
	Reasoning    string `json:"internal_reasoning,omitempty"`
	media
	Overrides []override `json:"overrides,omitempty"`
}

// media are the prices of what is not text.
type media struct {
	Audio       string `json:"audio,omitempty"`
	AudioOutput string `json:"audio_output,omitempty"`
	AudioCache  string `json:"input_audio_cache,omitempty"`
	ImageToken  string `json:"image_token,omitempty"`
	ImageOutput string `json:"image_output,omitempty"` // for one picture
	WebSearch   string `json:"web_search,omitempty"`   // for one search
}

func mediaOf(rates domaincatalog.Rates) media {
	return media{
		Audio: rate(rates, usage.AudioInput), AudioOutput: rate(rates, usage.AudioOutput), AudioCache: rate(rates, usage.AudioCacheRead),
		ImageToken: rate(rates, usage.ImageInput), ImageOutput: rate(rates, usage.Image), WebSearch: rate(rates, usage.Search),
	}
}

type override struct {
	MinPromptTokens int64  `json:"min_prompt_tokens,omitempty"`
	UTCStart        *int   `json:"utc_start,omitempty"` // HHMM
	UTCEnd          *int   `json:"utc_end,omitempty"`
	Prompt          string `json:"prompt,omitempty"`
	Completion      string `json:"completion,omitempty"`
	Request         string `json:"request,omitempty"`
	CacheRead       string `json:"input_cache_read,omitempty"`
	CacheWrite      string `json:"input_cache_write,omitempty"`
	CacheWrite1h    string `json:"input_cache_write_1h,omitempty"`
	Reasoning       string `json:"internal_reasoning,omitempty"`
	media
}

func pricingOf(s domaincatalog.Schedule) pricing {
	p := pricing{
		Prompt: rate(s.Base, usage.Input), Completion: rate(s.Base, usage.Output), Request: rate(s.Base, usage.Request),
		CacheRead: rate(s.Base, usage.CacheRead), CacheWrite: rate(s.Base, usage.CacheWrite),
		CacheWrite1h: rate(s.Base, usage.CacheWrite1h), Reasoning: rate(s.Base, usage.Reasoning), media: mediaOf(s.Base),
	}
	for _, o := range s.Overrides {
		if o.ServiceTier != "" {
			continue // the form has the prices of the standard tier
		}
		p.Overrides = append(p.Overrides, override{
			MinPromptTokens: o.MinPromptTokens, UTCStart: clock(o.UTCStart), UTCEnd: clock(o.UTCEnd),
			Prompt: rate(o.Rates, usage.Input), Completion: rate(o.Rates, usage.Output), Request: rate(o.Rates, usage.Request),
			CacheRead: rate(o.Rates, usage.CacheRead), CacheWrite: rate(o.Rates, usage.CacheWrite),
			CacheWrite1h: rate(o.Rates, usage.CacheWrite1h), Reasoning: rate(o.Rates, usage.Reasoning),
			media: mediaOf(o.Rates),
		})
	}
	return p
}

func rate(rates domaincatalog.Rates, class usage.Class) string {
	if price, ok := rates[class]; ok {
		return price.String()
	}
	return ""
}

// clock turns "HH:MM" into the number HHMM, nil when there is no such condition.
func clock(s string) *int {
	t, err := time.Parse("15:04", s)
	if err != nil {
		return nil
	}
	n := t.Hour()*100 + t.Minute()
	return &n
}
