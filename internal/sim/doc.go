// Package sim is a simulated vendor: an HTTP server that speaks OpenAI's chat completions, streaming and not, with
// deterministic text, exact usage, settable latency and faults on request. It checks what it is sent as a strict vendor
// would, and counts what it served, so that whoever calls it can compare their own sums with its totals.
//
// # Routes
//
//	POST /v1/chat/completions   bearer key needed
//	GET  /v1/models             bearer key needed
//	GET  /sim/totals            [Totals] as JSON; ?wait=2s first waits until no call is in flight
//	POST /sim/reset             forgets the totals and the counters of `times`
//	GET  /healthz
//
// # Text and usage
//
// The text is a function of the model's name without controls, the messages' roles and decoded texts, and `seed`. It is
// made of words that are one token each in the o200k vocabulary, also side by side, so that an estimate made with that
// tokenizer from a stream that broke off equals what was produced. In a stream each token is one chunk.
//
//	prompt tokens     = 4 a message + ceil(bytes of its decoded text, name, and calls as sent / 4) + 16 a part that is no
//	                    text + ceil(bytes of `tools` as sent / 4). It never exceeds the bytes of the request's body.
//	completion tokens = reasoning + content tokens, summed over the n choices. The caller's output cap cuts each choice,
//	                    reasoning first, and then finish_reason is "length".
//
// A forced tool call (tool_choice "required" or a named function) is two tokens: its name, and its arguments "{}".
//
// # Controls
//
// A call is steered by `name=value` pairs joined by `&`, percent-encoded like a URL's query. They are the part of the
// model's name after a `?`, which also passes through gateways that map model names, or the header X-Sim-Controls, which
// wins where both name the same control. An unknown name, a value out of range, or a name given twice is refused with
// 400 and code invalid_sim_control.
//
//	model = "sim-large?fault=429&retry_after=1&times=2"
//	X-Sim-Controls: tokens=64&first=200ms&between=20ms&cached=100&reasoning=20
//
//	tokens=N        content tokens of each choice (default Options.Tokens, fault long: 100000); at most 1000000
//	prompt=N        prompt tokens in place of the counted ones; may exceed the body's bytes
//	cached=N        prompt tokens read from the cache, at most the prompt
//	cache_write=N   prompt tokens written to the cache, at most the rest of the prompt
//	reasoning=N     reasoning tokens of each choice, produced before the first content token
//	first=D         time to the first token, or to the fault's answer (a Go duration, at most 10m)
//	between=D       time between two tokens; a body that is no stream comes after first + (tokens-1) * between
//	flush=1         one write for each chunk of a stream even when there is no time between them
//	drain=1         go on producing after the client left, to the end
//	fault=NAME      what goes wrong, see below
//	variant=NAME    which form of the fault
//	after=N         where it strikes: content tokens of each choice already sent (a stream, default 4; past the end is
//	                after the last token and before finish_reason), or bytes of the body (default half of it)
//	times=N         only the first N calls with the same key are struck
//	key=TEXT        what `times` counts by (default: the model's name and all its controls)
//	retry_after=S   seconds, or a duration, for Retry-After and Retry-After-Ms (default 1 with 429 and 503)
//	wait=D          how long a stalled call is held before its connection is closed (default Options.Stall)
//	piece=N         bytes of a piece of slow_drip (default 16)
//
// # Faults
//
//	400 401 403 404 408 409 500 502 503 504 529   refused with that status in OpenAI's error shape, nothing produced
//	429              the same; variants rate_limit, slow_down, insufficient_quota (no retry helps)
//	timeout_before   accepted and never answered
//	timeout_after    answered up to `after`, then silent
//	cut              answered up to `after`, then the connection goes; variants reset (TCP reset), close
//	no_usage         whole, but without usage, also when include_usage asked for it
//	malformed        variants json (a broken chunk or body, then the end), skip (a broken chunk, then the rest of the
//	                 stream), half (an event without its end), html (a page with status 200 in place of the answer);
//	                 for a body skip and half are json
//	absurd_usage     variants negative, huge, overflow, cached (above the prompt), reasoning (above the completion), total
//	                 (does not add up), fraction, string, zero
//	empty            status 200, no content, zero completion tokens, finish_reason null
//	error_in_stream  status 200, then a top-level error: after `after` tokens, or as the body
//	long             `tokens` tokens whatever cap the caller gave
//	slow_drip        the bytes come in pieces, `between` apart (default 10ms)
package sim
