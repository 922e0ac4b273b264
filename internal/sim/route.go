package sim

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const maxTotalsWait = time.Minute

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if d := dialectOf(r.URL.Path); d != nil {
		if s.admit(w, r, d) {
			s.serveDialect(w, r, d)
		}
		return
	}
	switch r.URL.Path {
	case "/v1/models":
		if s.admit(w, r, modelList{}) {
			s.listModels(w)
		}
	case "/v1/generation":
		if s.admit(w, r, generation{}) {
			s.serveGeneration(w, r)
		}
	case "/token":
		s.serveToken(w, r)
	case "/sim/totals":
		if s.method(w, r, chat{}, http.MethodGet) {
			s.serveTotals(w, r)
		}
	case "/sim/reset":
		if s.method(w, r, chat{}, http.MethodPost) {
			s.Reset()
			w.WriteHeader(http.StatusNoContent)
		}
	case "/healthz":
		w.WriteHeader(http.StatusOK)
	default:
		s.refuse(w, errorsOf(r.URL.Path), &failure{http.StatusNotFound, "invalid_request_error", "unknown_url", "", "Unknown request URL."})
	}
}

// dialectOf finds the dialect that is spoken at a path, or nil.
func dialectOf(path string) dialect {
	switch path {
	case "/v1/chat/completions":
		return chat{}
	case "/v1/completions":
		return completions{}
	case "/v1/images/generations":
		return images{}
	case "/v1/audio/speech":
		return speech{}
	case "/v1/audio/transcriptions":
		return transcriptions{}
	case "/v1/rerank":
		return rerank{}
	case "/v1/embeddings":
		return embeddings{}
	case "/v1/responses":
		return responses{}
	case "/v1/messages":
		return anthropic{}
	case "/v1/messages/count_tokens":
		return anthropicCount{}
	}
	if d := vertexAnthropicOf(path); d != nil {
		return d
	}
	if d := azureOf(path); d != nil {
		return d
	}
	if d := azureOperationOf(path); d != nil {
		return d
	}
	if d := bedrockOf(path); d != nil {
		return d
	}
	return geminiOf(path)
}

// errorsOf finds whose error shape a path has at which nothing is.
func errorsOf(path string) dialect {
	if strings.HasPrefix(path, "/openai/") {
		return azure{}
	}
	if strings.HasPrefix(path, "/v1/messages/") {
		return anthropic{}
	}
	if strings.HasPrefix(path, "/model/") {
		return bedrock{}
	}
	if _, _, ok := geminiPath(path); ok || strings.HasPrefix(path, "/v1beta/") {
		return gemini{}
	}
	return chat{}
}

// refuse answers and counts a request that did not pass the checks.
func (s *Server) refuse(w http.ResponseWriter, d dialect, f *failure) {
	s.tally.refuse(f.code)
	a := about{serial: s.serial.Add(1), failure: f, retry: unset, now: s.options.Now()}
	a.id = d.label(nil, a.serial)
	body := d.failure(nil, f, &a)
	head := w.Header()
	d.headers(head, &a)
	head.Set("Content-Type", "application/json")
	head.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(f.status)
	// The client may have left: there is nobody else to tell.
	_, _ = w.Write(body) //nolint:gosec // JSON with its strings quoted, sent as JSON
}

func (s *Server) method(w http.ResponseWriter, r *http.Request, d dialect, want string) bool {
	if r.Method == want {
		return true
	}
	w.Header().Set("Allow", want)
	s.refuse(w, d, &failure{http.StatusMethodNotAllowed, "invalid_request_error", "method_not_allowed", "", "Not allowed: use " + want + "."})
	return false
}

// admit checks method and key.
func (s *Server) admit(w http.ResponseWriter, r *http.Request, d dialect) bool {
	if !s.method(w, r, d, d.method()) {
		return false
	}
	if tokened(d) && s.options.ServiceAccount != nil {
		if s.tokens.valid(bearer(r), s.options.Now()) {
			return true
		}
		s.refuse(w, d, &failure{http.StatusUnauthorized, "invalid_request_error", codeKey, "", "Request had invalid authentication credentials."})
		return false
	}
	if signed, ok := d.(interface{ admits(r *http.Request) bool }); ok && signed.admits(r) {
		return true
	}
	key := d.key(r)
	sum := sha256.Sum256([]byte(key))
	if s.options.APIKey != "" && subtle.ConstantTimeCompare(sum[:], s.key[:]) == 1 {
		return true
	}
	f := &failure{http.StatusUnauthorized, "invalid_request_error", codeKey, "", "Incorrect API key provided."}
	switch d.(type) {
	case gemini, geminiEmbedding:
		f.status = http.StatusBadRequest // for Google a wrong key is a wrong argument
	case bedrock:
		f = &failure{http.StatusForbidden, "AccessDeniedException", codeKey, "", "Authentication failed: Please make sure your API Key is valid."}
	}
	s.refuse(w, d, f)
	return false
}

// bearer is the key of a request with a bearer token, or empty.
func bearer(r *http.Request) string {
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return key
}

// modelList is the list of models, which is no call: only its errors and keys are those of a dialect.
type modelList struct{ chat }

func (modelList) method() string { return http.MethodGet }

func (s *Server) listModels(w http.ResponseWriter) {
	names := s.options.Models
	if len(names) == 0 {
		names = []string{"sim-large", "sim-small"}
	}
	created := s.options.Now().Unix()
	body := append([]byte(nil), `{"object":"list","data":[`...)
	for i, name := range names {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, `{"id":`...)
		body = appendText(body, name)
		body = append(body, `,"object":"model","created":`...)
		body = strconv.AppendInt(body, created, 10)
		body = append(body, `,"owned_by":"sim"}`...)
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(body, `]}`...)) // the client may have left
}

func (s *Server) serveTotals(w http.ResponseWriter, r *http.Request) {
	if text := r.URL.Query().Get("wait"); text != "" {
		wait, err := time.ParseDuration(text)
		if err != nil || wait < 0 || wait > maxTotalsWait {
			s.refuse(w, chat{}, failureOf(invalid(codeValue, "wait", "Invalid 'wait': expected a duration up to %s.", maxTotalsWait)))
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), wait)
		defer cancel()
		// The time may pass: in_flight says so to the reader.
		_ = s.WaitIdle(ctx)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(s.Totals()) // the client may have left
}
