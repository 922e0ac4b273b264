package sim

import "strconv"

func (gemini) whole(c *call) {
	b := c.out
	if c.req.counting {
		b = append(b, `{"totalTokens":`...)
		b = strconv.AppendInt(b, c.used.Prompt, 10)
		b = append(b, `,"promptTokensDetails":[{"modality":"TEXT","tokenCount":`...)
		b = strconv.AppendInt(b, c.used.Prompt, 10)
		c.out = append(b, `}]}`...)
		return
	}
	b = append(b, '{')
	if c.plan.finish == finishBlocked {
		b = append(b, geminiBlocked...)
	} else {
		b = append(b, `"candidates":[`...)
		for i := range c.texts {
			if i > 0 {
				b = append(b, ',')
			}
			b = c.geminiCandidate(b, i)
		}
		b = append(b, `],`...)
	}
	c.out = c.geminiEnd(b, true)
}

const geminiBlocked = `"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},`

// geminiCandidate appends a whole candidate.
func (c *call) geminiCandidate(b []byte, choice int) []byte {
	p := &c.plan
	b = append(b, `{"content":{"parts":[`...)
	start := len(b)
	if c.showsThoughts() {
		b = append(b, `{"text":"`...)
		b = c.thoughtText(b, choice)
		b = append(b, `","thought":true}`...)
	}
	if p.text > 0 {
		b = comma(b, start)
		b = append(b, `{"text":`...)
		b = c.quotedText(b, choice)
		if p.reasoning > 0 && p.calls == 0 {
			b = geminiSign(b, "")
		}
		b = append(b, '}')
	}
	for number := range p.calls {
		if p.entire(number) {
			b = comma(b, start)
			b = c.geminiCall(b, choice, number)
		}
	}
	b = append(b, `],"role":"model"}`...)
	return c.geminiFinished(b, choice)
}

// geminiFinished appends a candidate's members behind its content.
func (c *call) geminiFinished(b []byte, choice int) []byte {
	if finish := geminiFinish(c.plan.finish); finish != "" {
		b = append(b, `,"finishReason":"`...)
		b = append(b, finish...)
		b = append(b, '"')
		if finish == "SAFETY" {
			b = append(b, `,"safetyRatings":[{"category":"HARM_CATEGORY_DANGEROUS_CONTENT","probability":"HIGH","blocked":true}]`...)
		}
	}
	b = append(b, `,"index":`...)
	b = strconv.AppendInt(b, int64(choice), 10)
	return append(b, '}')
}

// geminiCall appends a part with a function call. The first of an answer is signed.
func (c *call) geminiCall(b []byte, choice int, number int64) []byte {
	name := c.req.toolName(number)
	b = append(b, `{"functionCall":{"id":"`...)
	b = c.callID(b, "call_sim_", choice, number)
	b = append(b, `","name":"`...)
	b = append(b, name...)
	b = append(b, `","args":`...)
	b = c.arguments(b, choice, number, false)
	b = append(b, '}')
	if number == 0 {
		b = geminiSign(b, name)
	}
	return append(b, '}')
}

func geminiSign(b []byte, name string) []byte {
	b = append(b, `,"thoughtSignature":"`...)
	b = appendSignature(b, geminiHash(name))
	return append(b, '"')
}

// geminiEnd appends what each answer and each chunk ends with.
func (c *call) geminiEnd(b []byte, last bool) []byte {
	if c.req.controls.fault != FaultNoUsage {
		b = c.geminiUsage(b, last)
		b = append(b, ',')
	}
	b = append(b, `"modelVersion":"`...)
	b = append(b, c.req.model...)
	b = append(b, `","responseId":"`...)
	b = append(b, c.id...)
	return append(b, `"}`...)
}
