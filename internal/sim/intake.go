package sim

import (
	"io"
	"mime"
	"net/http"
	"strconv"
)

// read takes the request in and checks all of it.
func (c *call) read(r *http.Request) error {
	if formed(c.d) {
		// It looks at the type itself.
	} else if err := jsonContent(r.Header.Get("Content-Type")); err != nil {
		return err
	}
	limit := c.server.options.MaxBody
	large := &failure{
		http.StatusRequestEntityTooLarge, "invalid_request_error", "request_too_large", "",
		"The body is larger than " + strconv.FormatInt(limit, 10) + " bytes.",
	}
	if r.ContentLength > limit {
		return large
	}
	c.body.Reset()
	if _, err := c.body.ReadFrom(io.LimitReader(r.Body, limit+1)); err != nil {
		return invalid(codeJSON, "", "The body could not be read to its end.")
	}
	if int64(c.body.Len()) > limit {
		return large
	}
	if err := c.d.parse(c, r); err != nil {
		return err
	}
	if known := c.server.models; len(known) > 0 && !known[c.req.model] {
		return &failure{
			http.StatusNotFound, "invalid_request_error", "model_not_found", "model",
			"The model '" + clip(c.req.model) + "' does not exist or you do not have access to it.",
		}
	}
	return c.readControls(r.Header["X-Sim-Controls"])
}

func jsonContent(header string) error {
	if header == "application/json" {
		return nil
	}
	kind, parameters, err := mime.ParseMediaType(header)
	if charset := parameters["charset"]; err != nil || kind != "application/json" || (charset != "" && charset != "utf-8" && charset != "UTF-8") {
		return invalid("unsupported_content_type", "", "Unsupported content type: send application/json in UTF-8.")
	}
	return nil
}

// readControls finds the controls in the model's name and the header, and makes the plan.
func (c *call) readControls(header []string) error {
	q, s := &c.req, c.server
	source, key := "model", q.given
	if len(q.given) > len(q.model) {
		if err := q.controls.read(q.given[len(q.model)+1:], source); err != nil {
			return err
		}
	}
	if len(header) > 0 {
		source = "X-Sim-Controls"
		for _, text := range header {
			if err := q.controls.read(text, source); err != nil {
				return err
			}
			key += "\n" + text
		}
	}
	if err := q.controls.check(source); err != nil {
		return err
	}
	if q.controls.signed && q.unsigned {
		return invalid("missing_signature", "thought_signature", "Function call is missing a thought_signature in functionCall parts. "+
			"This is required for tools to work correctly.")
	}
	if q.controls.key != "" {
		key = q.controls.key
	}
	strikes, err := s.strikes(key, q.controls.times)
	if err != nil {
		return err
	}
	q.controls.resolve(&s.options, strikes)
	return c.makePlan()
}
