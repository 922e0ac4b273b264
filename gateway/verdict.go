package gateway

import (
	"cmp"
	"context"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/meter"
)

// ending is how the vendor's part of a call came out.
type ending struct {
	report meter.Report
	final  bool          // the report is the vendor's last word
	finish chat.Finish   // the last finish reason
	native string        // as the vendor calls it
	err    *domain.Error // nil when the answer came to its proper end
	// text gives what was produced, if the report does not do.
	text func() *meter.Produced
}

// verdict decides what the call is charged: what the vendor reports, when that can be true; otherwise what can be counted;
// nothing when nothing came out.
func (r *run) verdict(ctx context.Context, e *ending) settlement {
	s := r.judge(e)
	if len(s.Usage) == 0 {
		return s
	}
	tier, expected := r.served(ctx, e.report.Tier)
	s.Tier = tier
	if !expected {
		s.Call.Suspect, s.Call.SuspectReason = true, cmp.Or(s.Call.SuspectReason, "service_tier_unexpected")
	}
	return s
}

// served is the service tier whose rates count: the one that the vendor says it served with, if the call allowed it and it has a price. The
// caller never pays for one that it did not allow.
func (r *run) served(ctx context.Context, reported string) (tier string, expected bool) {
	if catalog.TierOf(reported) == "" && r.hold.tier == "" {
		return "", true // nearly always
	}
	version, ok := r.g.price(ctx, r.hold.endpoint, r.hold.PriceVersion)
	if !ok {
		return "", false
	}
	return version.Price.Served(r.hold.tier, reported)
}

func (r *run) judge(e *ending) settlement {
	r.note(e)
	produced := r.produced.Any()
	b := r.meterBounds()
	absurd := "usage_not_final"
	if e.err == nil || e.final {
		absurd = e.report.Absurd(b, produced)
	}
	switch {
	case !produced && e.err != nil && e.report.Absurd(b, false) == "":
		// As far as is known, the vendor bills what it reported until then.
		return r.settlement(e.report.Usage(), "").borne(string(e.err.Code))
	case !produced && e.err != nil:
		return r.settlement(nil, "").released(string(e.err.Code))
	case absurd == "" && wallet.Insured(e.report.Usage(), string(e.finish)):
		return r.settlement(e.report.Usage(), "").borne(reasonEmpty)
	case absurd == "":
		// More than was held is the vendor's word against our bound: it is charged, and looked at.
		if r.facts.Suspect = e.report.Above(b); r.facts.Suspect {
			r.facts.SuspectReason = "usage_above_hold"
		}
		return r.settlement(e.report.Usage(), usage.Reported)
	case !produced:
		return r.settlement(nil, "").released(reasonEmpty)
	}
	if r.facts.Suspect = !e.report.Untold; r.facts.Suspect {
		r.facts.SuspectReason = absurd
	}
	return r.estimated(e, b)
}

func (r *run) estimated(e *ending, b meter.Bounds) settlement {
	prompt, err := r.req.Prompt()
	if err == nil {
		var u usage.Usage
		if u, err = r.g.counter.Estimate(prompt, e.text(), b); err == nil {
			return r.settlement(u, usage.Estimated)
		}
	}
	r.g.o.Logger.Error().Err(err).Bool("alert", true).Str("generation", r.name).Msg("a call's usage cannot be estimated; it is not charged")
	return r.settlement(nil, "").released("usage_unknown")
}

// note writes down what the call's record says of its end.
func (r *run) note(e *ending) {
	r.facts.NativeFinishReason, r.facts.FinishReason = safe(e.native, 60), string(e.finish)
	r.facts.Cancelled = r.out.isGone()
	r.facts.ServiceTier = safe(catalog.TierOf(e.report.Tier), 60)
	r.facts.DurationMS = r.elapsed().Milliseconds()
	if e.err != nil {
		r.facts.Error = string(e.err.Code)
	}
}
