package exchange

import "github.com/massrouter/massrouter/gateway/chat"

// Extras are what of the request is priced apart from its text. Errors are those of reading the request strictly.
func (q *Request) Extras() (chat.Extras, error) {
	switch n := q.native.(type) {
	case *nativeOpenAI:
		return n.request.Extras(), nil
	case *nativeAnthropic:
		return n.request.Extras(), nil
	case *nativeGemini:
		return n.request.Extras(), nil
	}
	if q.other != nil {
		return q.other.extras(), nil
	}
	c, err := q.canon()
	if err != nil {
		return chat.Extras{}, err
	}
	x := chat.Extras{Tier: c.ServiceTier}
	for i := range c.Messages {
		images, _, bounded := weigh(c.Messages[i].Parts)
		x.Pictures = x.Pictures || images > 0 || !bounded
		x.Sound = x.Sound || !bounded
	}
	return x, nil
}
