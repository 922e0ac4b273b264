package inference

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/http/problem"
	"github.com/massrouter/massrouter/http/request"
)

const (
	leaksBody = 1 << 20 // bytes
	maxLeaks  = 100     // reports of one request
	// leakActor is who disables a key that somebody reported: nobody is asked who they are.
	leakActor = "system:leak_report"
)

// leak is a report as GitHub's secret scanning sends it to the issuer of a secret (docs.github.com, "Secret scanning partner program").
// It has further members.
type leak struct {
	Token string `json:"token"`
	URL   string `json:"url"`
}

// reportLeaks answers POST /api/v1/leaked-keys. Who reports a key needs no other proof than the key: with it they could do worse.
func (a *API) reportLeaks(w http.ResponseWriter, r *http.Request) {
	reply(w, r, func(r *http.Request) (any, error) {
		leaks, err := readLeaks(r.Body)
		if err != nil {
			return nil, err
		}
		for _, l := range leaks {
			if err := a.reportLeak(r, l); err != nil {
				return nil, err
			}
		}
		return accepted{Received: len(leaks)}, nil
	})
}

type accepted struct {
	Received int `json:"received"`
}

func (a accepted) answer() (status int, media string, body []byte, err error) {
	body, err = json.Marshal(a)
	return http.StatusAccepted, mediaJSON, body, err
}

// reportLeak stops the key of one report, if it is a secret of ours that works.
func (a *API) reportLeak(r *http.Request, l leak) error {
	id, err := apikey.ParseSecret(l.Token)
	if err != nil {
		return nil //nolint:nilerr // no secret of ours
	}
	_, _, err = a.Callers.Header(r.Context(), bearer+l.Token)
	switch domain.CodeOf(err) {
	case "", domain.CodeKeyDisabled, domain.CodeKeyExpired: // also what may work again
	case domain.CodeUnavailable:
		return err
	default:
		return nil
	}
	command, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("draw a command id: %w", err)
	}
	at := request.ID(r.Context())
	_, _, err = a.Keyring.ReportLeak(r.Context(), commands.Meta{CommandID: command, Actor: leakActor, CorrelationID: at, CausationID: at},
		commands.ReportLeak{KeyID: id, Hash: apikey.HashSecret(l.Token), Source: hostOf(l.URL)})
	return err
}

// readLeaks reads one report or a list of them.
func readLeaks(body io.Reader) ([]leak, error) {
	raw, err := io.ReadAll(body)
	if long := (*http.MaxBytesError)(nil); errors.As(err, &long) {
		return nil, domain.Errorf(problem.CodeTooLarge, "a report has at most %d bytes", long.Limit)
	}
	if err != nil {
		return nil, domain.Errorf(domain.CodeInvalid, "the body could not be read to its end").Wrap(err)
	}
	var leaks []leak
	if bytes.HasPrefix(bytes.TrimLeft(raw, " \t\r\n"), []byte("{")) {
		leaks = make([]leak, 1)
		err = json.Unmarshal(raw, &leaks[0])
	} else {
		err = json.Unmarshal(raw, &leaks)
	}
	if err != nil || len(leaks) == 0 || len(leaks) > maxLeaks { // what the decoder says may quote a secret
		return nil, domain.Errorf(domain.CodeInvalid, "the body is a report {\"token\": …} or a list of 1 to %d of them", maxLeaks)
	}
	return leaks, nil
}

var hostPattern = regexp.MustCompile(`^[a-z0-9.-]{1,100}$`)

// hostOf is the host of an address, "" for anything odd. The rest of an address can name people, and what is recorded is for ever.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	host := strings.ToLower(u.Hostname())
	if !hostPattern.MatchString(host) {
		return ""
	}
	return host
}
