package sim

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// vertex is Gemini at Vertex AI's addresses, where calls carry a token instead of a key.
type vertex struct{ gemini }

func (vertex) name() string { return "vertex" }

// tokened says whether calls of a dialect carry a token.
func tokened(d dialect) bool {
	switch d.(type) {
	case vertex, vertexAnthropic:
		return true
	}
	return false
}

// ServiceAccount is one that may exchange assertions for tokens, and how.
type ServiceAccount struct {
	Email     string
	KeyID     string
	PublicKey *rsa.PublicKey
	// Audience is the address that assertions are for; any when empty.
	Audience string
	// Life is that of a token, an hour if zero.
	Life time.Duration
}

// tokens are those that were given out.
type tokens struct {
	mu     sync.Mutex
	issued int64
	until  map[string]time.Time
}

func (t *tokens) issue(life time.Duration, now time.Time) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.issued++
	token := fmt.Sprintf("ya29.sim-%d", t.issued)
	if t.until == nil {
		t.until = make(map[string]time.Time)
	}
	t.until[token] = now.Add(life)
	return token
}

func (t *tokens) valid(token string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return now.Before(t.until[token])
}

// Tokens is how many tokens were given out.
func (s *Server) Tokens() int64 {
	s.tokens.mu.Lock()
	defer s.tokens.mu.Unlock()
	return s.tokens.issued
}

// RevokeTokens ends all tokens before their time.
func (s *Server) RevokeTokens() {
	s.tokens.mu.Lock()
	defer s.tokens.mu.Unlock()
	clear(s.tokens.until)
}

// serveToken exchanges an assertion for a token (RFC 7523).
func (s *Server) serveToken(w http.ResponseWriter, r *http.Request) {
	if !s.method(w, r, gemini{}, http.MethodPost) {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	w.Header().Set("Content-Type", "application/json")
	account := s.options.ServiceAccount
	if account == nil || r.ParseForm() != nil || r.PostForm.Get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" ||
		!account.signed(r.PostForm.Get("assertion"), s.options.Now()) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":"invalid_grant","error_description":"Invalid JWT Signature."}`)) // the client may have left
		return
	}
	life := account.Life
	if life == 0 {
		life = time.Hour
	}
	token := s.tokens.issue(life, s.options.Now())
	_, _ = fmt.Fprintf(w, `{"access_token":%q,"expires_in":%d,"token_type":"Bearer"}`, token, int64(life.Seconds())) // the client may have left
}

// signed checks an assertion: form, signature, and every claim.
func (a *ServiceAccount) signed(assertion string, now time.Time) bool {
	parts := strings.Split(assertion, ".")
	if len(parts) != 3 {
		return false
	}
	var header struct{ Alg, Kid string }
	var claims struct {
		Iss, Scope, Aud string
		Iat, Exp        int64
	}
	if !decodePart(parts[0], &header) || !decodePart(parts[1], &claims) || header.Alg != "RS256" || header.Kid != a.KeyID {
		return false
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err != nil || rsa.VerifyPKCS1v15(a.PublicKey, crypto.SHA256, sum[:], signature) != nil {
		return false
	}
	const skew = 60
	return claims.Iss == a.Email && strings.Contains(claims.Scope, "cloud-platform") && (a.Audience == "" || claims.Aud == a.Audience) &&
		claims.Iat <= now.Unix()+skew && claims.Exp > now.Unix() && claims.Exp <= claims.Iat+3600
}

func decodePart(part string, to any) bool {
	raw, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && json.Unmarshal(raw, to) == nil
}
