package scan

import (
	"slices"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/chat"
)

// Parser reads a caller's request of one of OpenAI's dialects into the canonical form: what both have in common.
type Parser struct {
	Scanner
	Request *chat.Request
}

// maxUnsupported is how many members are listed: the first one is refused, or all are left out.
const maxUnsupported = 64

// Unsupported lists a member that has no place in the canonical form, once.
func (p *Parser) Unsupported(field string) {
	if u := p.Request.Unsupported; len(u) < maxUnsupported && !slices.Contains(u, field) {
		p.Request.Unsupported = append(u, field)
	}
}

// Inner lists an unknown member of an object inside, unless it is null.
func (p *Parser) Inner(of string, name []byte) error {
	field := of + "." + string(name)
	raw, err := p.Raw()
	if err == nil && raw != nil {
		p.Unsupported(field)
	}
	return err
}

// Other lists a member of the top level, unless it is null or says what would be so without it.
func (p *Parser) Other(name []byte, usual string) error {
	field := string(name)
	raw, err := p.Raw()
	if err != nil || raw == nil || string(raw) == usual {
		return err
	}
	p.Unsupported(field)
	return nil
}

// RefuseGiven refuses what cannot be left out. Null is fine.
func (p *Parser) RefuseGiven(why string) error {
	raw, err := p.Raw()
	if err != nil || raw == nil {
		return err
	}
	return p.Cannot(why)
}

// Cannot is the refusal of the value that was read last.
func (p *Parser) Cannot(why string) *domain.Error { return chat.Unsupported(p.Here(), why) }

// Number reads a parameter that is a number; is says whether this is one.
func (p *Parser) Number(name []byte) (is bool, err error) {
	r := p.Request
	var to *chat.Number
	switch string(name) {
	case "temperature":
		to = &r.Temperature
	case "top_p":
		to = &r.TopP
	case "top_k":
		to = &r.TopK
	case "frequency_penalty":
		to = &r.FrequencyPenalty
	case "presence_penalty":
		to = &r.PresencePenalty
	case "seed":
		to = &r.Seed
	default:
		return false, nil
	}
	text, err := p.Scanner.Number()
	*to = chat.Number(text)
	return true, err
}
