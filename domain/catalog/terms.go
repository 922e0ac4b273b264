package catalog

import (
	"github.com/massrouter/massrouter/domain"
)

const maxRetentionDays = 36_500

// Terms are how a vendor runs a model: what callers may insist on.
type Terms struct {
	Quantization        string      `json:"quantization,omitempty"`         // of the weights, for example fp8; unknown when missing
	MaxPromptTokens     int64       `json:"max_prompt_tokens,omitempty"`    // the longest prompt; as long as the context when missing
	SupportedParameters []string    `json:"supported_parameters,omitempty"` // request fields that have an effect; those of the model when missing
	DataPolicy          *DataPolicy `json:"data_policy,omitempty"`          // what becomes of what is sent; missing when nobody said
	Region              string      `json:"region,omitempty"`               // eu or us, where data stays there; missing for anywhere
	Moderated           bool        `json:"moderated,omitempty"`            // prompts are moderated before the model gets them
}

// DataPolicy is what becomes of what a vendor is sent.
type DataPolicy struct {
	Training       bool  `json:"training"`                 // models are trained on it
	RetainsPrompts bool  `json:"retains_prompts"`          // it is kept longer than the call
	RetentionDays  int64 `json:"retention_days,omitempty"` // how long it is kept; not said when missing
	ZDR            bool  `json:"zdr"`                      // zero data retention is agreed upon
}

// Quantizations lists what weights are stored in.
func Quantizations() []string {
	return []string{"int4", "int8", "fp4", "mxfp4", "nvfp4", "fp6", "fp8", "mxfp8", "fp16", "bf16", "fp32", "unknown"}
}

// normal checks terms and parts them from the caller's slices. Errors: invalid_request.
func (t Terms) normal(context int64) (Terms, error) {
	if t.Quantization != "" {
		if err := checkChoice("quantization", t.Quantization, Quantizations()...); err != nil {
			return Terms{}, err
		}
	}
	if t.Region != "" {
		if err := checkChoice("region", t.Region, "eu", "us"); err != nil {
			return Terms{}, err
		}
	}
	if t.MaxPromptTokens < 0 || t.MaxPromptTokens > context {
		return Terms{}, domain.Errorf(domain.CodeInvalid, "max_prompt_tokens is between 1 and context_length, or 0 for no limit of its own")
	}
	var err error
	if t.SupportedParameters, err = words("supported_parameters", t.SupportedParameters, maxParameters, wordPattern.MatchString); err != nil {
		return Terms{}, err
	}
	if t.DataPolicy != nil {
		policy := *t.DataPolicy
		t.DataPolicy = &policy
		return t, policy.check()
	}
	return t, nil
}

func (p DataPolicy) check() error {
	switch {
	case p.RetentionDays < 0 || p.RetentionDays > maxRetentionDays:
		return domain.Errorf(domain.CodeInvalid, "retention_days is between 1 and %d, or 0 when it is not said", maxRetentionDays)
	case p.RetentionDays > 0 && !p.RetainsPrompts:
		return domain.Errorf(domain.CodeInvalid, "retention_days is for a vendor that retains prompts")
	case p.ZDR && (p.Training || p.RetainsPrompts):
		return domain.Errorf(domain.CodeInvalid, "zdr is for a vendor that neither trains on prompts nor retains them")
	}
	return nil
}

// Parameters are the request fields that have an effect at an endpoint of a model.
func (e *Endpoint) Parameters(m *Model) []string {
	if len(e.Terms.SupportedParameters) > 0 {
		return e.Terms.SupportedParameters
	}
	return m.SupportedParameters
}

// Collects says whether a vendor may keep what it is sent for longer than the call, or train on it. One that does not say what it does
// is taken to.
func (t *Terms) Collects() bool {
	return t.DataPolicy == nil || t.DataPolicy.Training || t.DataPolicy.RetainsPrompts
}

// ZeroRetention says whether nothing is retained.
func (t *Terms) ZeroRetention() bool { return t.DataPolicy != nil && t.DataPolicy.ZDR }
