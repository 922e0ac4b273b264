package catalog

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/massrouter/massrouter/domain"
)

// Wire is how a vendor's API differs from what its dialect is elsewhere. It is data: a vendor that nearly speaks a dialect needs no code.
type Wire struct {
	Auth          Auth              `json:"auth,omitempty"`            // how calls name the platform; missing: as the dialect does
	AuthName      string            `json:"auth_name,omitempty"`       // of the header or the query parameter that has the key
	Headers       map[string]string `json:"headers,omitempty"`         // more headers of each call; nothing that is secret
	Query         map[string]string `json:"query,omitempty"`           // parameters of each call's address; nothing that is secret
	Paths         map[string]string `json:"paths,omitempty"`           // by operation, below the base URL; {model} is the vendor's name of the model
	Region        string            `json:"region,omitempty"`          // that signatures name, for auth sigv4; where it is missing, the key or the base URL says it
	BodyVersion   string            `json:"body_version,omitempty"`    // stands as anthropic_version in bodies, in place of the model: Anthropic's dialect in Google's cloud
	NoStreamUsage bool              `json:"no_stream_usage,omitempty"` // it refuses stream_options.include_usage; usage of streams is estimated if it does not come
	InlineMedia   bool              `json:"inline_media,omitempty"`    // it fetches nothing: images and documents stand in the body
}

// Auth is how a call to a vendor names the platform.
type Auth string

// The ways.
const (
	AuthBearer         Auth = "bearer"          // Authorization: Bearer KEY
	AuthHeader         Auth = "header"          // a header of its own
	AuthQuery          Auth = "query"           // a parameter of the address
	AuthNone           Auth = "none"            // the vendor wants no key: one on our own machines
	AuthServiceAccount Auth = "service_account" // Google's: the key is the document of a service account, calls carry a token
	AuthSigV4          Auth = "sigv4"           // Amazon's: the key is the document of an access key, calls are signed with it
)

// Bounds of a Wire.
const (
	maxWireEntries = 20
	maxWireText    = 200 // bytes
	maxRegion      = 30  // bytes
)

var (
	headerPattern    = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,63}$`)
	parameterPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,63}$`)
	operationPattern = regexp.MustCompile(`^[a-z][a-z_]{0,29}$`)
	regionPattern    = regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)+-[0-9]{1,2}$`)
	versionPattern   = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,49}$`)
	pathPattern      = regexp.MustCompile(`^(/([A-Za-z0-9._:-]|\{model\})+)+$`)
)

// reserved are the headers that belong to the connection, to the body, or to the key.
var reserved = []string{ //nolint:gochecknoglobals // never changed
	"host", "connection", "content-length", "content-type", "content-encoding", "transfer-encoding", "upgrade", "te", "trailer", "keep-alive",
	"proxy-authorization", "authorization", "x-api-key", "x-goog-api-key", "api-key", "cookie", "accept-encoding", "expect",
}

// normal checks a wire and parts it from the caller's maps. Errors: invalid_request.
func (w Wire) normal() (Wire, error) {
	if err := w.checkAuth(); err != nil {
		return Wire{}, err
	}
	if w.Region != "" && (w.Auth != AuthSigV4 || len(w.Region) > maxRegion || !regionPattern.MatchString(w.Region)) {
		return Wire{}, domain.Errorf(domain.CodeInvalid, "wire.region is for wire.auth sigv4 and has a form such as us-east-1")
	}
	if w.BodyVersion != "" && !versionPattern.MatchString(w.BodyVersion) {
		return Wire{}, domain.Errorf(domain.CodeInvalid, "wire.body_version has 1 to 50 characters a-z, 0-9, '.', '_' or '-'")
	}
	for field, entries := range map[string]map[string]string{"wire.headers": w.Headers, "wire.query": w.Query, "wire.paths": w.Paths} {
		if len(entries) > maxWireEntries {
			return Wire{}, domain.Errorf(domain.CodeInvalid, "%s has at most %d entries", field, maxWireEntries)
		}
	}
	for name, value := range w.Headers {
		if !headerPattern.MatchString(name) || slices.Contains(reserved, strings.ToLower(name)) || !isPlain(value) {
			return Wire{}, domain.Errorf(domain.CodeInvalid, "wire.headers are names and values of printable ASCII, none of the connection's, the body's or the key's")
		}
	}
	for name, value := range w.Query {
		if !parameterPattern.MatchString(name) || !isPlain(value) {
			return Wire{}, domain.Errorf(domain.CodeInvalid, "wire.query are names and values of printable ASCII")
		}
	}
	for operation, path := range w.Paths {
		if !operationPattern.MatchString(operation) || len(path) > maxWireText || !pathPattern.MatchString(path) || strings.Contains(path, "..") {
			return Wire{}, domain.Errorf(domain.CodeInvalid, "wire.paths are operations and paths such as /deployments/{model}/chat/completions")
		}
	}
	w.Headers, w.Query, w.Paths = maps.Clone(w.Headers), maps.Clone(w.Query), maps.Clone(w.Paths)
	return w, nil
}

func (w *Wire) checkAuth() error {
	switch w.Auth {
	case AuthHeader:
		if !headerPattern.MatchString(w.AuthName) {
			return domain.Errorf(domain.CodeInvalid, "wire.auth_name is the name of the header that has the key")
		}
		return nil
	case AuthQuery:
		if !parameterPattern.MatchString(w.AuthName) {
			return domain.Errorf(domain.CodeInvalid, "wire.auth_name is the name of the parameter that has the key")
		}
		return nil
	case "", AuthBearer, AuthNone, AuthServiceAccount, AuthSigV4:
	default:
		return domain.Errorf(domain.CodeInvalid, "wire.auth is one of: bearer, header, query, none, service_account, sigv4")
	}
	if w.AuthName != "" {
		return domain.Errorf(domain.CodeInvalid, "wire.auth_name is for wire.auth header and query")
	}
	return nil
}

// isPlain says whether a text is printable ASCII and not too long.
func isPlain(text string) bool {
	return text != "" && len(text) <= maxWireText && !strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c > '~' })
}

// Equal says whether two wires say the same; nil is one that says nothing.
func (w *Wire) Equal(other *Wire) bool {
	if w == other {
		return true
	}
	if w == nil || other == nil {
		return false
	}
	return w.Auth == other.Auth && w.AuthName == other.AuthName && w.Region == other.Region && w.BodyVersion == other.BodyVersion && w.NoStreamUsage == other.NoStreamUsage &&
		w.InlineMedia == other.InlineMedia &&
		maps.Equal(w.Headers, other.Headers) && maps.Equal(w.Query, other.Query) && maps.Equal(w.Paths, other.Paths)
}
