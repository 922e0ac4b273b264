package gateway_test

import (
	"github.com/massrouter/massrouter/gateway"
)

// shrink makes a model put out at most 50 tokens.
func shrink(model string) func(*gateway.Picture) {
	return func(p *gateway.Picture) {
		m := p.Models[model]
		m.MaxCompletionTokens = 50
		p.Models[model] = m
	}
}
