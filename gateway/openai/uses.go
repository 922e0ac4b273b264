package openai

import "github.com/massrouter/massrouter/gateway/chat"

// used goes over the value of a parameter. One that says what would be so without it asks for nothing.
func (r *Reader) used(q *Request, use chat.Uses) error {
	raw, _, err := r.Value()
	if err != nil {
		return err
	}
	switch string(raw) {
	case "null", "{}", "[]", `""`:
		return nil
	case "false":
		if use != chat.UsesParallelTools {
			return nil
		}
	case `"medium"`:
		if use == chat.UsesVerbosity {
			return nil
		}
	}
	q.Uses |= use
	return nil
}

// format looks which form the answer is to have.
func (r *Reader) format(q *Request) error {
	_, err := r.Object(func(name []byte) error {
		if string(name) != "type" {
			return r.Skip()
		}
		raw, _, err := r.Value()
		switch string(raw) {
		case `"json_object"`:
			q.Uses |= chat.UsesResponseFormat
		case `"json_schema"`:
			q.Uses |= chat.UsesStructuredOutputs
		}
		return err
	})
	return err
}

// reasoning looks whether the model is to think, and whether its thoughts are to be seen.
func (r *Reader) reasoning(q *Request) error {
	_, err := r.Object(func(name []byte) error {
		switch kind := r.Kind(); string(name) {
		case "exclude":
			if kind == 't' || kind == 'f' {
				q.Hide, q.hideSaid = kind == 't', true
			}
		case "effort", "max_tokens", "enabled":
			if kind != 'n' {
				q.Uses |= chat.UsesReasoning
			}
		}
		return r.Skip()
	})
	return err
}

// includeReasoning is an old form of reasoning.exclude, which counts more.
func (r *Reader) includeReasoning(q *Request) error {
	if kind := r.Kind(); kind == 'f' && !q.hideSaid {
		q.Hide = true
	}
	return r.Skip()
}
