package openai

import (
	"slices"

	"github.com/massrouter/massrouter/gateway/chat"
)

const (
	effortNone   = "none"
	effortMedium = "medium"
)

// Efforts are the levels of reasoning_effort, from none to the most.
func Efforts() []string {
	return []string{effortNone, "minimal", "low", effortMedium, "high", "xhigh", "max"}
}

// setEffort sets a level; "none" is to have no reasoning at all.
func setEffort(r *chat.Reasoning, effort string) {
	if r.Off = effort == effortNone; !r.Off {
		r.Effort = effort
	}
}

func (p *parser) reasoningEffort() (string, error) {
	effort, err := p.String()
	if err == nil && effort != "" && !slices.Contains(Efforts(), effort) {
		return "", p.Refuse("%s is none, minimal, low, medium, high, xhigh or max", p.Here())
	}
	return effort, err
}

// maxBudget is the most tokens that may be asked for reasoning.
const maxBudget = MaxCap

// reasoning reads OpenRouter's object: effort or max_tokens, enabled, and exclude. Not enabled wins over the others.
func (p *parser) reasoning() error {
	r := &p.Request.Reasoning
	var effort string
	var budget int64
	var budgeted bool
	var enabled *bool
	err := p.Object(func(name []byte) (err error) {
		switch string(name) {
		case "effort":
			effort, err = p.reasoningEffort()
		case "max_tokens":
			budget, budgeted, err = p.Whole(0, maxBudget)
		case "enabled":
			enabled, err = p.Bool()
		case "exclude":
			exclude, readErr := p.Bool()
			if err = readErr; exclude != nil {
				show := !*exclude
				r.Show = &show
			}
		case "summary", "generate_summary":
			err = p.Skip() // how long the summary of thoughts is
		default:
			err = p.Inner("reasoning", name)
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case effort != "" && budgeted:
		return p.Refuse("reasoning.effort and reasoning.max_tokens exclude each other")
	case enabled != nil && !*enabled:
		r.Off = true
	case effort != "":
		setEffort(r, effort)
	case budgeted:
		r.Budget, r.Off = budget, budget == 0
	case enabled != nil:
		p.enabled = true
	}
	return nil
}

// level settles what reasoning_effort adds to what the object said.
func (p *parser) level() {
	r := &p.Request.Reasoning
	switch {
	case r.Effort != "" || r.Budget != 0 || r.Off:
	case p.effort != "":
		setEffort(r, p.effort)
	case p.enabled:
		r.Effort = effortMedium // what OpenRouter takes it for
	}
}
