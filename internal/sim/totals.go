package sim

// Usage counts tokens, in each dialect alike: cached and cache-written tokens are part of the prompt, the ones written for
// an hour part of the cache-written ones, reasoning tokens part of the completion. What a dialect cannot state is zero.
type Usage struct {
	Prompt     int64 `json:"prompt_tokens"`
	Cached     int64 `json:"cached_tokens"`
	CacheWrite int64 `json:"cache_write_tokens"`
	// CacheWrite1h is zero with all dialects but Anthropic's.
	CacheWrite1h int64 `json:"cache_write_1h_tokens"`
	Reasoning    int64 `json:"reasoning_tokens"`
	Completion   int64 `json:"completion_tokens"`
	// Sound is the part of the prompt that is sound. Images, Characters and Seconds are no tokens: what was drawn, spoken and heard.
	Sound      int64 `json:"sound_tokens,omitempty"`
	Images     int64 `json:"images,omitempty"`
	Characters int64 `json:"characters,omitempty"`
	Seconds    int64 `json:"seconds,omitempty"`
}

func (u *Usage) add(v Usage, sign int64) {
	u.Prompt += sign * v.Prompt
	u.Cached += sign * v.Cached
	u.CacheWrite += sign * v.CacheWrite
	u.CacheWrite1h += sign * v.CacheWrite1h
	u.Reasoning += sign * v.Reasoning
	u.Completion += sign * v.Completion
	u.Sound += sign * v.Sound
	u.Images += sign * v.Images
	u.Characters += sign * v.Characters
	u.Seconds += sign * v.Seconds
}

// Row counts calls that passed the checks. Each is exactly one of Completed, Rejected, Broken and Aborted.
type Row struct {
	Calls    int64 `json:"calls"`
	Streamed int64 `json:"streamed"`
	// Completed calls were answered to their proper end, whatever stood in the answer.
	Completed int64 `json:"completed"`
	// Rejected calls were refused with a status by a fault.
	Rejected int64 `json:"rejected"`
	// Broken calls were ended by the simulator in the middle.
	Broken int64 `json:"broken"`
	// Aborted calls were left by the client.
	Aborted int64 `json:"aborted"`
	// Drained is how many of the aborted calls produced to the end nevertheless.
	Drained int64 `json:"drained"`
	// Reported adds up the usage that answers stated truly. Unreported adds up what was produced by all other calls:
	// broken, aborted, without a usage chunk, or with absurd numbers.
	Reported   Usage `json:"reported"`
	Unreported Usage `json:"unreported"`
	// UnknownFields and UnknownBytes count top-level fields of requests that OpenAI's chat completions do not define,
	// and the bytes of their values as sent. The other dialects refuse them.
	UnknownFields int64 `json:"unknown_fields"`
	UnknownBytes  int64 `json:"unknown_bytes"`
}

// Totals is what the simulator served since it started or was last reset.
type Totals struct {
	Row
	// Models has a row for each model by its name without controls.
	Models map[string]Row `json:"models"`
	// Dialects has a row for each dialect: chat, messages, gemini, responses, azure, completions, embeddings,
	// gemini-embeddings, rerank, images, speech, transcriptions, converse.
	Dialects map[string]Row `json:"dialects"`
	// Faults has a row for each fault that struck; calls that `times` spared are not in it.
	Faults map[Fault]Row `json:"faults"`
	// Refused counts, by error code, requests that did not pass the checks.
	Refused map[string]int64 `json:"refused"`
	// Counted is how many requests asked for a count of tokens; they are no calls.
	Counted int64 `json:"counted"`
	// InFlight is how many calls are being answered now; they are in no row yet.
	InFlight int64 `json:"in_flight"`
}
