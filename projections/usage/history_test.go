package usage_test

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain/money"
	domainusage "github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
	pt "github.com/massrouter/massrouter/projections/projectiontest"
	"github.com/massrouter/massrouter/projections/usage"
)

// plain is the plainest thing that knows the numbers of a group: its calls, one by one.
type plain struct {
	usage.Sums
	first, duration []int64
}

// call is what an event of the log says, with where and when.
type call struct {
	position int64
	at       time.Time
	wallet   uuid.UUID
	key      uuid.UUID
	app      uuid.UUID
	model    string
	endpoint string
	currency money.Currency
	class    string
	event    wallet.Event
}

// log is a kit whose whole log can be read as calls.
type log struct {
	*pt.Kit
	t *rapid.T
}

func (l log) events() []call {
	raw, err := l.Store.Read(l.t.Context(), 0, 1<<30)
	require.NoError(l.t, err)
	var out []call
	for _, e := range raw {
		id, _ := uuid.Parse(e.StreamID.Identity())
		data, err := l.Registry.Decode(e.Type, e.Body)
		require.NoError(l.t, err)
		c := call{position: e.Position, at: e.RecordedAt, wallet: id}
		switch e := data.(type) {
		case wallet.UsageCharged:
			c.key, c.model, c.endpoint, c.currency, c.class, c.event = e.KeyID, e.Model, e.Endpoint, e.Currency, e.Call.Error, e
			c.app = e.Call.AppID
		case wallet.ChargeCorrected:
			c.key, c.model, c.endpoint, c.currency, c.app, c.event = e.KeyID, e.Model, e.Endpoint, e.Currency, e.AppID, e
		case wallet.HoldReleased:
			c.key, c.model, c.endpoint, c.currency, c.class, c.event = e.KeyID, e.Model, e.Endpoint, e.Currency, e.Reason, e
			c.app = e.Call.AppID
		case wallet.HoldExpired:
			c.key, c.currency, c.event = e.KeyID, e.Currency, e
		}
		if c.event != nil {
			out = append(out, c)
		}
	}
	return out
}

// add counts a call.
func (p *plain) add(c *call) {
	switch e := c.event.(type) {
	case wallet.HoldExpired:
		p.Expired++
		return
	case wallet.ChargeCorrected:
		for sign, b := range map[int64]wallet.Bill{-1: e.Before, 1: e.After} {
			p.Input += sign * (b.Usage[domainusage.Input] + b.Usage[domainusage.AudioInput] + b.Usage[domainusage.ImageInput])
			p.CacheRead += sign * (b.Usage[domainusage.CacheRead] + b.Usage[domainusage.AudioCacheRead])
			p.CacheWrite += sign * (b.Usage[domainusage.CacheWrite] + b.Usage[domainusage.CacheWrite1h])
			p.Output += sign * (b.Usage[domainusage.Output] + b.Usage[domainusage.AudioOutput] + b.Usage[domainusage.ImageOutput])
			p.Reasoning += sign * b.Usage[domainusage.Reasoning]
		}
		p.Charge, p.VendorCost = p.Charge.Add(e.Difference()), p.VendorCost.Add(e.After.VendorCost).Sub(e.Before.VendorCost)
		p.Uncollectible = p.Uncollectible.Add(e.After.Uncollectible).Sub(e.Before.Uncollectible)
		return
	case wallet.UsageCharged:
		p.Charged++
		if e.Provenance == domainusage.Estimated {
			p.Estimated++
		}
		p.Input += e.Usage[domainusage.Input] + e.Usage[domainusage.AudioInput] + e.Usage[domainusage.ImageInput]
		p.CacheRead += e.Usage[domainusage.CacheRead] + e.Usage[domainusage.AudioCacheRead]
		p.CacheWrite += e.Usage[domainusage.CacheWrite] + e.Usage[domainusage.CacheWrite1h]
		p.Output += e.Usage[domainusage.Output] + e.Usage[domainusage.AudioOutput] + e.Usage[domainusage.ImageOutput]
		p.Reasoning += e.Usage[domainusage.Reasoning]
		p.Charge, p.VendorCost, p.Uncollectible = p.Charge.Add(e.Charge), p.VendorCost.Add(e.VendorCost), p.Uncollectible.Add(e.Uncollectible)
		if e.Call.FirstTokenMS > 0 {
			p.first = append(p.first, e.Call.FirstTokenMS)
		}
		if e.Call.DurationMS > 0 {
			p.duration = append(p.duration, e.Call.DurationMS)
		}
		if e.Call.Cancelled {
			p.Cancelled++
		}
	case wallet.HoldReleased:
		p.VendorCost = p.VendorCost.Add(e.VendorCost)
		if e.Call.Cancelled {
			p.Cancelled++
		}
	}
	p.Calls++
	if c.class != "" {
		p.Errors++
	}
}

// dimension is the text of a call's dimension.
func (c *call) dimension(d usage.Dimension) string {
	switch d {
	case usage.ByWallet:
		return c.wallet.String()
	case usage.ByKey:
		return c.key.String()
	case usage.ByApp:
		if c.app == uuid.Nil {
			return ""
		}
		return c.app.String()
	case usage.ByModel:
		return c.model
	case usage.ByVendor:
		_, vendor, _ := strings.Cut(c.endpoint, "@")
		return vendor
	case usage.ByEndpoint:
		return c.endpoint
	default:
		return c.class
	}
}

func passes[T comparable](list []T, v T) bool { return len(list) == 0 || slices.Contains(list, v) }

// matches says whether a filter means a call.
func (c *call) matches(f usage.Filter) bool {
	return passes(f.Wallets, c.wallet) && passes(f.Keys, c.key) && passes(f.Apps, c.app) && passes(f.Models, c.model) && passes(f.Vendors, c.dimension(usage.ByVendor)) &&
		passes(f.Endpoints, c.endpoint) && c.currency == f.Currency && !c.at.Before(f.From) && c.at.Before(f.To)
}

// group is a group's names and numbers.
type group struct {
	keys []string
	plain
}

// rank is what a metric orders by.
func (p *plain) rank(m usage.Metric) money.Amount { return money.MustParse(m.Of(&p.Sums).Number) }

// grouped gives all groups of the calls that a request means, by rank.
func grouped(r usage.Request, calls []call, orderBy usage.Metric) []*group {
	var all []*group
	byError := slices.Contains(r.Dimensions, usage.ByError)
	for i := range calls {
		c := &calls[i]
		if !c.matches(r.Filter) || byError && c.class == "" {
			continue
		}
		var keys []string
		for _, d := range r.Dimensions {
			keys = append(keys, c.dimension(d))
		}
		at := slices.IndexFunc(all, func(g *group) bool { return slices.Equal(g.keys, keys) })
		if at < 0 {
			at = len(all)
			all = append(all, &group{keys: keys})
		}
		all[at].add(c)
	}
	slices.SortFunc(all, func(a, b *group) int {
		return cmp.Or(b.rank(orderBy).Cmp(a.rank(orderBy)), slices.Compare(a.keys, b.keys))
	})
	return all
}

// later draws when the next event comes: soon, after a gap, or just before, at or after the end of an hour, a day or a month.
func later(t *rapid.T, now time.Time) time.Time {
	ends := []time.Time{
		now.Truncate(time.Hour).Add(time.Hour), now.Truncate(24*time.Hour).AddDate(0, 0, 1), time.Date(now.Year(), now.Month()+1, 1, 0, 0, 0, 0, time.UTC),
	}
	kind := rapid.IntRange(0, 99).Draw(t, "step")
	switch {
	case kind < 50:
		return now.Add(time.Duration(rapid.Int64Range(0, 20_000_000).Draw(t, "soon")) * time.Microsecond)
	case kind < 90:
		longest := rapid.SampledFrom([]time.Duration{20 * time.Minute, 20 * time.Minute, 3 * time.Hour, 20 * time.Hour}).Draw(t, "longest")
		return now.Add(time.Duration(rapid.Int64Range(0, longest.Microseconds()).Draw(t, "gap")) * time.Microsecond)
	case kind == 90:
		return now.Add(time.Duration(rapid.Int64Range(0, 40*24*time.Hour.Microseconds()).Draw(t, "long gap")) * time.Microsecond)
	}
	end := ends[min(max(kind-96, 0), 1)] // mostly an hour's
	if kind == 99 {
		end = ends[2]
	}
	if at := end.Add(rapid.SampledFrom([]time.Duration{-time.Microsecond, 0, 0, time.Second}).Draw(t, "at the end")); !at.Before(now) {
		return at
	}
	return now
}

// drawn draws events of a small world: few wallets, keys, models and endpoints, so that rows meet.
func drawn(t *rapid.T, k *pt.Kit) {
	draw := func(n int, label string) uint64 { return uint64(rapid.IntRange(1, n).Draw(t, label)) }
	for range rapid.IntRange(3, 30).Draw(t, "events") {
		k.Now = later(t, k.Now)
		w := pt.ID(draw(3, "wallet"))
		key := pt.ID(10 + draw(4, "key"))
		currency := rapid.SampledFrom([]money.Currency{"USD", "USD", "USD", "EUR"}).Draw(t, "currency")
		model := rapid.SampledFrom([]string{"acme/one", "acme/two", "zeta/one:free"}).Draw(t, "model")
		endpoint := model + rapid.SampledFrom([]string{"@north", "@south"}).Draw(t, "vendor")
		amount := rapid.StringMatching(`[0-9](\.[0-9]{1,12})?`)
		facts := wallet.Call{
			Cancelled: rapid.IntRange(0, 4).Draw(t, "cancelled") == 0, Error: rapid.SampledFrom([]string{"", "", "", "timeout"}).Draw(t, "error"),
			FirstTokenMS: rapid.Int64Range(0, 3000).Draw(t, "first"), DurationMS: rapid.Int64Range(0, 200_000).Draw(t, "duration"),
			AppID: rapid.SampledFrom([]uuid.UUID{{}, pt.ID(31), pt.ID(32)}).Draw(t, "app"),
		}
		var e wallet.Event
		switch rapid.IntRange(0, 9).Draw(t, "kind") {
		case 0:
			e = wallet.HoldExpired{HoldID: uuid.New(), KeyID: key, Amount: pt.Money("1"), Currency: currency}
		case 1, 2:
			e = wallet.HoldReleased{
				HoldID: uuid.New(), KeyID: key, Model: model, Endpoint: endpoint, Amount: pt.Money("1"), Call: facts, Currency: currency,
				Reason: rapid.SampledFrom([]string{"client_cancelled", "upstream_error", "timeout"}).Draw(t, "reason"),
			}
		case 3:
			e = wallet.HoldSuspected{HoldID: uuid.New()}
		case 4:
			was := pt.Charged(uuid.New(), key, amount.Draw(t, "charge"), "1", pt.After("5", "3"))
			was.Model, was.Endpoint, was.Currency, was.Call.AppID = model, endpoint, currency, facts.AppID
			was.Usage = domainusage.Usage{domainusage.Input: rapid.Int64Range(0, 1000).Draw(t, "input"), domainusage.Reasoning: 9, domainusage.CacheWrite1h: 5}
			corrected := pt.Corrected(was, was.Bill(), 1, k.Now, amount.Draw(t, "truth"), "0", pt.After("5", "3"))
			corrected.Currency = currency
			e = corrected
		default:
			charged := pt.Charged(uuid.New(), key, amount.Draw(t, "charge"), "1", pt.After("5", "3"))
			charged.Model, charged.Endpoint, charged.Currency, charged.Call = model, endpoint, currency, facts
			charged.VendorCost, charged.Uncollectible = pt.Money(amount.Draw(t, "cost")), pt.Money(amount.Draw(t, "lost"))
			charged.Provenance = rapid.SampledFrom([]domainusage.Provenance{domainusage.Reported, domainusage.Estimated}).Draw(t, "provenance")
			charged.Usage = domainusage.Usage{}
			for _, class := range domainusage.Classes() {
				charged.Usage[class] = rapid.Int64Range(0, 1000).Draw(t, string(class))
			}
			e = charged
		}
		k.Append(t.Context(), t, pt.Wallet(w, e))
	}
}
