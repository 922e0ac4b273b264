package routing

// Reason is why a candidate is not in a plan. Reasons are part of the public API: they are never renamed.
type Reason string

// The reasons, in the order in which they are looked for.
const (
	ModelNotListed     Reason = "model_not_listed" // not one of the models that the caller named
	Disabled           Reason = "disabled"         // the platform switched it off
	NoPrice            Reason = "no_price"         // no price is in force
	NoCredential       Reason = "no_credential"    //nolint:gosec // no credential: the platform has no account at the vendor
	NotSupported       Reason = "not_supported"    // the platform cannot speak to it in the way of this call
	NotInOnly          Reason = "not_in_only"
	Ignored            Reason = "ignored"
	NotInOrder         Reason = "not_in_order" // and allow_fallbacks is false
	Quantization       Reason = "quantization"
	CollectsData       Reason = "collects_data"
	RetainsData        Reason = "retains_data" // and zdr is wished
	NotDistillable     Reason = "not_distillable"
	NotFree            Reason = "not_free" // and the variant is :free
	PromptTooDear      Reason = "above_max_price_prompt"
	CompletionTooDear  Reason = "above_max_price_completion"
	RequestTooDear     Reason = "above_max_price_request"
	ImageTooDear       Reason = "above_max_price_image"
	AudioTooDear       Reason = "above_max_price_audio"
	ModalityMissing    Reason = "input_modality" // Detail: which
	ParameterMissing   Reason = "parameter"      // Detail: which
	ContextTooShort    Reason = "context_length"
	OutputTooShort     Reason = "output_length"
	CircuitOpen        Reason = "circuit_open"
	CredentialsBlocked Reason = "credentials_set_aside"
	FallbacksOff       Reason = "fallbacks_off" // allow_fallbacks is false, and another is tried
)

// Strategy is how the first endpoint was found.
type Strategy string

// The strategies.
const (
	Ordered    Strategy = "order"
	Sorted     Strategy = "sort"
	Weighted   Strategy = "weighted"   // drawn by the inverse square of the price
	Sticky     Strategy = "sticky"     // the same, by the conversation's key
	NoStrategy Strategy = "none_found" // there is none
)

// Explanation says of each candidate what became of it, in the order of the plan, then the others as they were given.
type Explanation struct {
	Strategy   Strategy `json:"strategy"`
	Considered []Choice `json:"considered"`
	Tried      []Try    `json:"tried,omitempty"` // what was done, see Attempts
}

// Choice is what became of a candidate.
type Choice struct {
	Endpoint string `json:"endpoint"`
	Model    string `json:"model"`
	Provider string `json:"provider"`
	Rank     int    `json:"rank,omitzero"` // from 1; 0: left out
	// Weight is the probability with which the draw makes it the first of its model; 0 for those that come after by price.
	Weight  float64 `json:"weight,omitzero"`
	Reason  Reason  `json:"reason,omitzero"`  // why it is left out
	Detail  string  `json:"detail,omitzero"`  // of the reason
	Demoted Demoted `json:"demoted,omitzero"` // why it stands further behind
}

// Demoted is why an endpoint stands behind others.
type Demoted string

// The causes.
const (
	ByUptime      Demoted = "uptime"      // below 95 %
	LastResort    Demoted = "last_resort" // uptime below 80 %
	ByPerformance Demoted = "performance" // it misses preferred_min_throughput or preferred_max_latency
)
