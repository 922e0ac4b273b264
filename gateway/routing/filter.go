package routing

import (
	"slices"

	"github.com/massrouter/massrouter/domain/money"
)

// perMillion is the quantity that max_price speaks of.
const perMillion = 1_000_000

// excluded says why a candidate cannot be in a plan, however well it does; "" when it can.
func (q *Question) excluded(c *Candidate, m Model, listed bool) (why Reason, detail string) {
	switch {
	case !listed:
		return ModelNotListed, ""
	case c.Unavailable != "":
		return c.Unavailable, ""
	}
	if why := q.unwanted(c, m); why != "" {
		return why, ""
	}
	if why := q.Preferences.MaxPrice.exceeded(&c.Prices); why != "" {
		return why, ""
	}
	return q.unable(c)
}

// away says why an endpoint cannot be called now; "" when it can.
func (c *Condition) away() Reason {
	switch {
	case c.Open:
		return CircuitOpen
	case c.Locked:
		return CredentialsBlocked
	}
	return ""
}

// unwanted is what the caller's wishes exclude.
func (q *Question) unwanted(c *Candidate, m Model) Reason {
	p := &q.Preferences
	meant := func(names []string) bool { return c.position(names) < len(names) }
	switch {
	case len(p.Only) > 0 && !meant(p.Only):
		return NotInOnly
	case meant(p.Ignore):
		return Ignored
	case p.NoFallbacks && len(p.Order) > 0 && !meant(p.Order):
		return NotInOrder
	case len(p.Quantizations) > 0 && !slices.Contains(p.Quantizations, c.quantization()):
		return Quantization
	case p.DenyCollection && c.Collects:
		return CollectsData
	case p.ZDR && !c.ZDR:
		return RetainsData
	case p.Distillable && !c.Distillable:
		return NotDistillable
	case m.Variant == Free && !c.Prices.free():
		return NotFree
	}
	return ""
}

// quantization of an endpoint that does not say is "unknown".
func (c *Candidate) quantization() string {
	if c.Quantization == "" {
		return "unknown"
	}
	return c.Quantization
}

// exceeded says which price is above its limit.
func (m *MaxPrice) exceeded(p *Prices) Reason {
	above := func(l Limit, price money.Price, quantity int64) bool {
		return l.Set && l.Amount.LessThan(price.Times(quantity))
	}
	switch {
	case above(m.Prompt, p.Prompt, perMillion):
		return PromptTooDear
	case above(m.Completion, p.Completion, perMillion):
		return CompletionTooDear
	case above(m.Request, p.Request, 1):
		return RequestTooDear
	case above(m.Image, p.Image, 1):
		return ImageTooDear
	case above(m.Audio, p.Audio, 1):
		return AudioTooDear
	}
	return ""
}

// unable is what the endpoint cannot do of what the call needs.
func (q *Question) unable(c *Candidate) (why Reason, detail string) {
	n := &q.Needs
	if missing := firstMissing(n.Modalities, c.Modalities); missing != "" && len(c.Modalities) > 0 {
		return ModalityMissing, missing
	}
	if missing := firstMissing(n.Required, c.Parameters); missing != "" && len(c.Parameters) > 0 {
		return ParameterMissing, missing
	}
	if q.Preferences.RequireParameters {
		if missing := firstMissing(n.Parameters, c.Parameters); missing != "" {
			return ParameterMissing, missing
		}
	}
	switch {
	case c.Output > 0 && n.OutputTokens > c.Output:
		return OutputTooShort, ""
	case c.Context > 0 && (n.PromptTokens > c.Context || max(n.OutputTokens, 1) > c.Context-n.PromptTokens):
		return ContextTooShort, ""
	}
	return "", ""
}

func firstMissing(wanted, there []string) string {
	for _, w := range wanted {
		if !slices.Contains(there, w) {
			return w
		}
	}
	return ""
}
