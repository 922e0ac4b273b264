package middleware

import (
	"net/http"

	"github.com/massrouter/massrouter/domain"
)

// maxFields bounds a request's header fields; the server bounds their bytes.
const maxFields = 100

// Head refuses requests with more header fields than anybody needs, and those with a field twice that is given once: which of them
// counts would depend on who reads it. (The server itself refuses a second Host, and lengths that differ.)
func Head(refuse func(http.ResponseWriter, *http.Request, error)) func(http.Handler) http.Handler {
	single := []string{"Content-Type", "Origin", "Referer", "Sec-Fetch-Site", "X-Csrf-Token"}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fields := 0
			for _, values := range r.Header {
				fields += len(values)
			}
			if fields > maxFields {
				refuse(w, r, domain.Errorf(domain.CodeInvalid, "a request has at most %d header fields", maxFields))
				return
			}
			for _, name := range single {
				if len(r.Header[name]) > 1 {
					refuse(w, r, domain.Errorf(domain.CodeInvalid, "the header %s is given once", name))
					return
				}
			}
			next.ServeHTTP(w, r)
		})
	}
}
