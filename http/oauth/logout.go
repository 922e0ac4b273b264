package oauth

import (
	"mime"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/problem"
	services "github.com/massrouter/massrouter/identity/oauth"
)

const maxLogoutBody = 32 << 10 // bytes

// logOut answers POST /console/v1/auth/oauth/{provider}/logout. No browser sends it: the token alone says who does, so cookies and origins do not matter.
func (a *API) logOut(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store") // Back-Channel Logout 1.0, 2.8
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" {
		problem.Write(w, r, domain.Errorf(problem.CodeUnsupportedMediaType, "a logout token comes in a form"))
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxLogoutBody)
	if err := r.ParseForm(); err != nil || len(r.PostForm["logout_token"]) != 1 {
		problem.Write(w, r, domain.Errorf(domain.CodeInvalid, "the form has one logout_token"))
		return
	}
	provider := chi.URLParam(r, "provider")
	if err := a.p.Services.Logout(r.Context(), provider, r.PostForm.Get("logout_token")); err != nil {
		if domain.CodeOf(err) == services.CodeFailed {
			note(r, provider, err)
		}
		problem.Write(w, r, err)
		return
	}
	w.WriteHeader(http.StatusOK)
}
