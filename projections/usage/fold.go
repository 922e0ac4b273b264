package usage

import (
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/projections/runner"
)

// key is what a row is about. The nil UUIDs mean all wallets; a nil app alone means none.
type key struct {
	bucket      int64 // its first second, since 1970
	wallet, key uuid.UUID
	app         uuid.UUID
	model       string
	endpoint    string
	currency    money.Currency
}

type errorKey struct {
	key
	class string
}

// batch is what a batch of events adds to the rows of minutes.
type batch struct {
	rows   rows[key, Sums]
	errors rows[errorKey, int64]
}

// rows keeps values by key in the order in which the keys came.
type rows[K comparable, V any] struct {
	byKey map[K]*V
	order []K
}

func (r *rows[K, V]) get(k K) *V {
	v, ok := r.byKey[k]
	if !ok {
		if r.byKey == nil {
			r.byKey = map[K]*V{}
		}
		v = new(V)
		r.byKey[k], r.order = v, append(r.order, k)
	}
	return v
}

func newBatch() *batch { return &batch{} }

// fold adds what an event says of a call that ended.
func (b *batch) fold(event wallet.Event, at *runner.Event) error {
	k, ended, err := keyOf(event, at)
	if err != nil || !ended {
		return err
	}
	if class := b.rows.get(k).count(event); class != "" {
		*b.errors.get(errorKey{k, class})++
	}
	return nil
}

// keyOf is the key of the minute that an event counts in, if it ends a call or its hold.
func keyOf(event wallet.Event, at *runner.Event) (k key, ended bool, err error) {
	switch e := event.(type) {
	case wallet.UsageCharged:
		k = key{key: e.KeyID, app: e.Call.AppID, model: e.Model, endpoint: e.Endpoint, currency: e.Currency}
	case wallet.ChargeCorrected:
		k = key{key: e.KeyID, app: e.AppID, model: e.Model, endpoint: e.Endpoint, currency: e.Currency}
	case wallet.HoldReleased:
		k = key{key: e.KeyID, app: e.Call.AppID, model: e.Model, endpoint: e.Endpoint, currency: e.Currency}
	case wallet.HoldExpired:
		k = key{key: e.KeyID, currency: e.Currency}
	case wallet.Opened, wallet.ToppedUp, wallet.Granted, wallet.Adjusted, wallet.HoldPlaced, wallet.HoldExtended, wallet.HoldSuspected, wallet.PriceGroupSet, wallet.RateLimitsSet, wallet.ContentStorageSet, wallet.MemberLimitsSet:
		return key{}, false, nil
	}
	k.bucket = minuteOf(at.RecordedAt)
	k.wallet, err = at.Entity()
	return k, true, err
}

// count adds an event, and tells the class of the error that it has, "" for none.
func (s *Sums) count(event wallet.Event) (class string) {
	switch e := event.(type) {
	case wallet.UsageCharged:
		s.charge(&e)
		if class = e.Call.Error; class != "" {
			s.Errors++
		}
	case wallet.ChargeCorrected:
		s.correct(&e)
	case wallet.HoldReleased:
		s.Calls++
		s.Errors++
		s.VendorCost = s.VendorCost.Add(e.VendorCost)
		s.UpstreamCost = s.UpstreamCost.Add(e.Call.UpstreamCost)
		s.cancel(e.Call)
		class = e.Reason
	case wallet.HoldExpired:
		s.Expired++
	case wallet.Opened, wallet.ToppedUp, wallet.Granted, wallet.Adjusted, wallet.HoldPlaced, wallet.HoldExtended, wallet.HoldSuspected, wallet.PriceGroupSet, wallet.RateLimitsSet, wallet.ContentStorageSet, wallet.MemberLimitsSet:
	}
	return class
}

func (s *Sums) charge(e *wallet.UsageCharged) {
	s.Calls++
	s.Charged++
	if e.Provenance == usage.Estimated {
		s.Estimated++
	}
	s.tokens(e.Usage, 1)
	s.Charge = s.Charge.Add(e.Charge)
	s.Uncollectible = s.Uncollectible.Add(e.Uncollectible)
	s.VendorCost = s.VendorCost.Add(e.VendorCost)
	s.UpstreamCost = s.UpstreamCost.Add(e.Call.UpstreamCost)
	if e.Call.FirstTokenMS > 0 {
		s.FirstToken.Add(e.Call.FirstTokenMS)
	}
	if e.Call.DurationMS > 0 {
		s.Duration.Add(e.Call.DurationMS)
	}
	s.cancel(e.Call)
}

// correct adds the differences that a correction makes, in the minute in which it was made. The call was counted before.
func (s *Sums) correct(e *wallet.ChargeCorrected) {
	s.tokens(e.Before.Usage, -1)
	s.tokens(e.After.Usage, 1)
	s.Charge = s.Charge.Add(e.Difference())
	s.Uncollectible = s.Uncollectible.Add(e.After.Uncollectible).Sub(e.Before.Uncollectible)
	s.VendorCost = s.VendorCost.Add(e.After.VendorCost).Sub(e.Before.VendorCost)
	s.UpstreamCost = s.UpstreamCost.Add(e.After.UpstreamCost).Sub(e.Before.UpstreamCost)
}

// tokens adds a usage so many times.
func (s *Sums) tokens(u usage.Usage, times int64) {
	s.Input += times * (u[usage.Input] + u[usage.AudioInput] + u[usage.ImageInput])
	s.CacheRead += times * (u[usage.CacheRead] + u[usage.AudioCacheRead])
	s.CacheWrite += times * (u[usage.CacheWrite] + u[usage.CacheWrite1h])
	s.Output += times * (u[usage.Output] + u[usage.AudioOutput] + u[usage.ImageOutput])
	s.Reasoning += times * u[usage.Reasoning]
}

func (s *Sums) cancel(c wallet.Call) {
	if c.Cancelled {
		s.Cancelled++
	}
}

// addAll adds the rows over all wallets.
func (b *batch) addAll() {
	for _, k := range b.rows.order {
		b.rows.get(k.all()).add(b.rows.byKey[k])
	}
	for _, k := range b.errors.order {
		*b.errors.get(errorKey{k.all(), k.class}) += *b.errors.byKey[k]
	}
}

// all is the key over all wallets.
func (k key) all() key {
	k.wallet, k.key, k.app = uuid.Nil, uuid.Nil, uuid.Nil
	return k
}

func (k *key) at() time.Time { return time.Unix(k.bucket, 0).UTC() }

// vendor is the part of an endpoint's id that names the vendor: "model@vendor".
func (k *key) vendor() string {
	_, vendor, _ := strings.Cut(k.endpoint, "@")
	return vendor
}

// floor is the largest multiple of step that is not above n.
func floor(n, step int64) int64 {
	rest := n % step
	if rest < 0 {
		rest += step
	}
	return n - rest
}
