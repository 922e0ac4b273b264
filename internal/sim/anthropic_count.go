package sim

import "net/http"

// anthropicCount is Anthropic's POST /v1/messages/count_tokens, which costs nothing: it is in no row of the totals.
type anthropicCount struct{ anthropic }

func (anthropicCount) parse(c *call, r *http.Request) error { return c.anthropicParse(r, true) }
