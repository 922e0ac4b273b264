package sim

// finish is why an answer ends, in the words of the control of that name. The empty one is none at all.
type finish string

const (
	finishStop         finish = "stop"
	finishLength       finish = "length"
	finishCalls        finish = "tool_calls"
	finishFilter       finish = "filter"
	finishRefusal      finish = "refusal"
	finishBlocked      finish = "blocked"
	finishStopSequence finish = "stop_sequence"
	finishPause        finish = "pause"
	finishBadCall      finish = "bad_call"
)

// callTokens is what a tool call counts for without words in its arguments: the function's name, and the arguments.
const callTokens = 2

// plan is what an answer's choices are made of, each the same: reasoning, text, then calls.
type plan struct {
	reasoning int64
	text      int64
	calls     int64 // that are begun
	words     int64 // in the arguments of each call
	tokens    int64 // of text and calls, as far as the cap lets them
	finish    finish
}

// makePlan applies the caller's cap: reasoning first, then content.
func (c *call) makePlan() error {
	q, k := &c.req, &c.req.controls
	if q.counting || q.embedding {
		c.plan = plan{}
		return nil
	}
	if q.media {
		c.plan = q.mediaPlan()
		return nil
	}
	p := plan{text: k.tokens, reasoning: k.reasoning, finish: finishStop}
	if k.finish != "" {
		p.finish = k.finish
	}
	calls, err := q.wantedCalls()
	if err != nil {
		return err
	}
	if calls > 0 {
		p.calls, p.words, p.finish = calls, max(k.words, 0), finishCalls
		if k.tools == unset || !k.tokensGiven {
			p.text = 0
		}
	}
	if k.finish == finishBlocked {
		p = plan{finish: finishBlocked}
	}
	p.tokens = p.text + p.calls*(callTokens+p.words)
	if most := q.outputCap; most > 0 && k.fault != FaultLong && p.reasoning+p.tokens > most {
		p.reasoning = min(p.reasoning, most)
		p.tokens, p.finish = most-p.reasoning, finishLength
		p.text = min(p.text, p.tokens)
		each := callTokens + p.words
		p.calls = min(p.calls, (p.tokens-p.text+each-1)/each)
	}
	if k.fault == FaultEmpty {
		p = plan{}
	}
	if (p.tokens+p.reasoning)*int64(q.choices) > maxAllTokens {
		return invalid(errorOfControl, "n", "The %d choices are longer than %d tokens together.", q.choices, maxAllTokens)
	}
	c.plan = p
	return nil
}

// mediaPlan is for what is no text: only its length is planned.
func (q *request) mediaPlan() plan {
	k := &q.controls
	n := q.each
	if !q.pieced && (k.tokensGiven || k.fault == FaultLong || q.characters == 0 && q.format != "") {
		n = k.tokens
	}
	if k.fault == FaultEmpty {
		n = 0
	}
	return plan{text: n, tokens: n, finish: finishStop}
}

// wantedCalls is how many tools each choice calls.
func (q *request) wantedCalls() (int64, error) {
	wanted := q.controls.tools
	switch {
	case wanted == unset && q.tool == "", wanted == 0, q.noCalls:
		return 0, nil
	case wanted == unset:
		return 1, nil
	case q.tool == "" && len(q.tools) == 0:
		return 0, invalid(errorOfControl, "tools", "The control \"tools\" needs a request with tools.")
	case q.oneCall:
		return 1, nil
	}
	return wanted, nil
}

// place says what a token is part of: of the text, when call is -1, or at an offset of a call, whose name is token 0.
func (p *plan) place(step int64) (number, offset int64) {
	if step < p.text {
		return -1, step
	}
	each := callTokens + p.words
	return (step - p.text) / each, (step - p.text) % each
}

// lengthOf is how many tokens of a call are produced.
func (p *plan) lengthOf(number int64) int64 {
	each := callTokens + p.words
	return min(each, p.tokens-p.text-number*each)
}

// entire says whether a call is produced to the end of its arguments.
func (p *plan) entire(number int64) bool { return p.lengthOf(number) == callTokens+p.words }

// toolName is the function that a call of this number calls.
func (q *request) toolName(number int64) string {
	if q.tool != "" && (q.named != "" || number == 0) {
		return q.tool
	}
	return q.tools[number%int64(len(q.tools))]
}

// argument appends the token at an offset above 0 of a call: its piece of {} or {"text":"…"}. nested says that the piece
// stands inside a JSON string.
func (c *call) argument(b []byte, choice int, offset int64, nested bool) []byte {
	words, open, end := c.server.words, `{"text":"`, `"}`
	if nested {
		words, open, end = c.server.nested, `{\"text\":\"`, `\"}`
	}
	switch {
	case c.plan.words == 0:
		return append(b, `{}`...)
	case offset == 1:
		return append(b, open...)
	}
	b = c.texts[choice].appendNext(b, words)
	if offset == c.plan.words+1 {
		b = append(b, end...)
	}
	return b
}

// arguments appends all of a call's pieces.
func (c *call) arguments(b []byte, choice int, number int64, nested bool) []byte {
	for offset := int64(1); offset < c.plan.lengthOf(number); offset++ {
		b = c.argument(b, choice, offset, nested)
	}
	return b
}
