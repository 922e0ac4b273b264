package inference

import (
	"net/http"
	"strconv"
	"time"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/gateway/cache"
)

// The headers of the cache of answers. Callers may write them with OpenRouter's name in place of ours.
const (
	CacheHeader       = "X-Massrouter-Cache"        // true: the answer may come from the cache, and is kept
	CacheTTLHeader    = "X-Massrouter-Cache-Ttl"    // seconds, 1 to 86400; 300
	CacheClearHeader  = "X-Massrouter-Cache-Clear"  // true: what is kept is forgotten first
	CacheStatusHeader = "X-Massrouter-Cache-Status" // of the answer: HIT, MISS, or BYPASS when it is neither
	CacheAgeHeader    = "X-Massrouter-Cache-Age"    // of the answer, in seconds, for a hit
)

// theirs are the same headers as OpenRouter calls them.
func theirs(name string) string { return "X-Openrouter" + name[len("X-Massrouter"):] }

func eitherHeader(h http.Header, name string) string {
	if v := h.Get(name); v != "" {
		return v
	}
	return h.Get(theirs(name))
}

// cacheWish is what a caller wants of the cache; nil for nothing.
func cacheWish(h http.Header) (*gateway.CacheWish, error) {
	switch v := eitherHeader(h, CacheHeader); v {
	case yes:
	case "", "false":
		return nil, nil //nolint:nilnil // nothing is wanted, and nothing wrong
	default:
		return nil, domain.Errorf(domain.CodeInvalid, "%s is true or false", CacheHeader).With(detailParam, CacheHeader)
	}
	w := &gateway.CacheWish{TTL: cache.DefaultTTL, Clear: eitherHeader(h, CacheClearHeader) == yes}
	if v := eitherHeader(h, CacheTTLHeader); v != "" {
		n, err := strconv.ParseInt(v, 10, 32)
		w.TTL = time.Duration(n) * time.Second
		if err != nil || w.TTL < cache.MinTTL || w.TTL > cache.MaxTTL {
			return nil, domain.Errorf(domain.CodeInvalid, "%s is a number of seconds from 1 to 86400", CacheTTLHeader).With(detailParam, CacheTTLHeader)
		}
	}
	return w, nil
}

// setCacheStatus tells by either name.
func setCacheStatus(h http.Header, s gateway.CacheStatus) {
	tell := func(name, value string) { h[name], h[theirs(name)] = []string{value}, []string{value} }
	tell(CacheStatusHeader, string(s.Use))
	if s.Use == gateway.CacheBypass {
		return
	}
	tell(CacheTTLHeader, strconv.FormatInt(int64(s.TTL/time.Second), 10))
	if s.Use == gateway.CacheHit {
		tell(CacheAgeHeader, strconv.FormatInt(int64(s.Age/time.Second), 10))
	}
}
