// Package sim is a simulated vendor: an HTTP server that speaks the dialects of OpenAI, Anthropic, Google and Amazon, streaming and
// not, with deterministic text, exact usage, settable latency and faults on request. It checks what it is sent as a strict
// vendor would, and counts what it served, so that whoever calls it can compare their own sums with its totals.
//
// # Routes
//
//	POST /v1/chat/completions           OpenAI chat completions      Authorization: Bearer
//	POST /v1/responses                  OpenAI responses, stateless  Authorization: Bearer
//	POST /v1/completions                OpenAI legacy completions    Authorization: Bearer
//	POST /v1/embeddings                 OpenAI embeddings            Authorization: Bearer
//	POST /v1/rerank                     Jina and Cohere              Authorization: Bearer
//	POST /v1/audio/speech               OpenAI speech                Authorization: Bearer
//	POST /v1/audio/transcriptions       OpenAI transcriptions        Authorization: Bearer; a form
//	POST /v1/images/generations         OpenAI images                Authorization: Bearer
//	GET  /v1/models                                                  Authorization: Bearer
//	GET  /v1/generation?id=             OpenRouter's look-up         Authorization: Bearer; of calls whose usage was not told as it was
//	POST /v1/messages                   Anthropic messages           x-api-key or Bearer; anthropic-version
//	POST /v1/messages/count_tokens                                   the same
//	POST /v1beta/models/{m}:generateContent                          x-goog-api-key, ?key= or Bearer
//	POST /v1beta/models/{m}:streamGenerateContent                    events with ?alt=sse, else an array
//	POST /v1beta/models/{m}:countTokens
//	POST /v1beta/models/{m}:embedContent                             also :batchEmbedContents; without usage
//	POST /openai/deployments/{m}/chat/completions?api-version=       Azure's chat completions: api-key
//	POST /openai/v1/chat/completions                                 the same, without a version
//	POST …/publishers/anthropic/models/{m}:rawPredict                Messages at Vertex AI, also :streamRawPredict
//	POST /model/{m}/converse            Amazon Bedrock               a signature (AWS4-HMAC-SHA256) or Bearer; also /converse-stream
//	POST /token                         a signed assertion for a token of Vertex AI
//	GET  /sim/totals                    [Totals] as JSON; ?wait=2s first waits until no call is in flight
//	POST /sim/reset                     forgets the totals and the counters of `times`
//	GET  /healthz
//
// Google's are at /v1/models/… and at Vertex AI's /v1/projects/{p}/locations/{l}/publishers/google/models/… too. In a
// path a model's name with controls has its ? and & percent-encoded.
//
// # Layout
//
// A call is read, planned and produced by the core (call.go, plan.go, stream.go, answer.go); faults, waiting and counting are
// there alone. What a dialect looks like on the wire is in the files that begin with its name (chat, responses, embeddings, bedrock,
// anthropic, gemini), behind the interface in dialect.go. A new dialect is such an implementation and a line in route.go.
//
// # Text and usage
//
// The text is a function of the model's name without controls, the messages' roles and decoded texts, and `seed`; without a
// system prompt it is the same in every dialect. It is made of words that are one token each in the o200k vocabulary, also
// side by side, so that an estimate made with that tokenizer from a stream that broke off equals what was produced. In a
// stream each token is one event; a function call of Google's comes whole, with its last token.
//
//	prompt tokens     = 4 a message + ceil(bytes of its decoded text, names, and calls as sent / 4) + 16 a part that is no
//	                    text + ceil(bytes of `tools` as sent / 4). A system prompt is a message. It never exceeds the bytes
//	                    of the request's body. Embeddings: ceil(bytes / 4) a text, or the tokens that are given.
//	completion tokens = reasoning + content tokens, summed over the choices. The caller's output cap cuts each choice,
//	                    reasoning first, and then the finish reason says so.
//
// A tool call is two tokens, its name and its arguments {}; with words in its arguments, {"text":"…"}, each of them is one
// more. A forced tool call is made without any control. An input of Anthropic's that the cap cuts is {} in a body.
//
// Reasoning is a part of the answer when the caller asks for it: `thinking` of Anthropic (display omitted: without text),
// includeThoughts of Google, a reasoning summary of OpenAI's responses. Its signatures and encrypted forms are checked when
// they come back: whoever changes one gets the vendor's 400.
//
// # Controls
//
// A call is steered by `name=value` pairs joined by `&`, percent-encoded like a URL's query. They are the part of the
// model's name after a `?`, which also passes through gateways that map model names, or the header X-Sim-Controls, which
// wins where both name the same control. An unknown name, a value out of range, or a name given twice is refused with
// 400 and code invalid_sim_control. What a dialect cannot state is ignored, and zero in the totals.
//
//	model = "sim-large?fault=429&retry_after=1&times=2"
//	X-Sim-Controls: tokens=64&first=200ms&between=20ms&cached=100&reasoning=20
//
//	tokens=N          text tokens of each choice (default Options.Tokens, fault long: 100000); at most 1000000
//	prompt=N          prompt tokens in place of the counted ones; may exceed the body's bytes
//	cached=N          prompt tokens read from the cache, at most the prompt
//	cache_write=N     prompt tokens written to the cache, at most the rest of the prompt; Google has none
//	cache_write_1h=N  how many of them for an hour, the rest for five minutes; Anthropic only
//	reasoning=N       reasoning tokens of each choice, produced before the first content token
//	redacted=1        Anthropic's reasoning is redacted_thinking
//	unready=N         the first N look-ups of the call find nothing yet: 404
//	tools=N           each choice calls so many of the request's tools, one after the other; 0 is none though one is forced.
//	                  There is text before them only with tokens=N. The request may forbid calls, or more than one
//	words=N           words in the arguments of each call
//	signed=1          Google refuses a function call that comes back without its thoughtSignature
//	finish=NAME       filter (content_filter, refusal, SAFETY), refusal (OpenAI's refusal, Anthropic's refusal, SAFETY), blocked
//	                  (like filter, with nothing produced; of Google promptFeedback), stop_sequence and pause (Anthropic),
//	                  bad_call (Google); elsewhere it is an ordinary end. A cap that cuts, and calls, win
//	ping=N            Anthropic sends a ping after each N tokens, beside the one at the beginning
//	first=D           time to the first token, or to the fault's answer (a Go duration, at most 10m)
//	between=D         time between two tokens; a body that is no stream comes after first + (tokens-1) * between
//	stamped=1         each token of a stream's text begins with the time at which it was made: @nanoseconds since 1970;
//	flush=1           one write for each chunk of a stream even when there is no time between them
//	drain=1           go on producing after the client left, to the end
//	fault=NAME        what goes wrong, see below
//	variant=NAME      which form of the fault
//	after=N           where it strikes: content tokens of each choice already sent (a stream, default 4; past the end is
//	                  after the last token and before the finish reason), or bytes of the body (default half of it)
//	times=N           only the first N calls with the same key are struck
//	key=TEXT          what `times` counts by (default: the model's name and all its controls)
//	retry_after=S     seconds, or a duration, for Retry-After and Retry-After-Ms, Google's RetryInfo (default 1 with 429 and 503)
//	wait=D            how long a stalled call is held before its connection is closed (default Options.Stall)
//	piece=N           bytes of a piece of slow_drip (default 16)
//
// # Faults
//
// Each looks as the vendor of the dialect would have it.
//
//	400 401 402 403 404 408 409 413 500 502 503 504 529   refused with that status, nothing produced
//	429              the same; variants rate_limit, slow_down, insufficient_quota (no retry helps)
//	timeout_before   accepted and never answered
//	timeout_after    answered up to `after`, then silent
//	cut              answered up to `after`, then the connection goes; variants reset (TCP reset), close
//	no_usage         whole, but without usage, also when include_usage asked for it
//	malformed        variants json (a broken event or body, then the end), skip (a broken event, then the rest of the
//	                 stream), half (an event without its end), html (a page with status 200 in place of the answer), endless
//	                 (an event or a body that goes on for 1 GiB), crc (a frame of Bedrock's whose checksum is wrong; elsewhere half);
//	                 for a body skip, half and crc are json
//	absurd_usage     variants negative, huge, overflow, cached (above the prompt), reasoning (above the completion), total
//	                 (does not add up; Anthropic: the cache writes do not; Bedrock, which tells no reasoning: reasoning too), fraction, string, zero; in streams only the last
//	                 usage lies, and for embeddings cached and reasoning are total
//	empty            status 200, no content, zero completion tokens, no finish reason (responses: completed)
//	error_in_stream  status 200, then an error: after `after` tokens, or as the body; variants server_error, overloaded,
//	                 rate_limit
//	long             `tokens` tokens whatever cap the caller gave; embeddings: vectors of so many numbers
//	slow_drip        the bytes come in pieces, `between` apart (default 10ms)
//	gzip_bomb        status 200 and a megabyte that unpacks to 1 GiB of blanks
package sim
