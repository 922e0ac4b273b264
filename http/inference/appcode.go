package inference

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/http/problem"
	"github.com/massrouter/massrouter/http/request"
	"github.com/massrouter/massrouter/identity/oauth/appcode"
)

// AppCodes keeps the codes by which apps of others get keys; see appcode.Store.
type AppCodes interface {
	Make(ctx context.Context, g appcode.Grant) (appcode.Code, error)
	Exchange(ctx context.Context, secret, verifier string, method appcode.Method, issue func(context.Context, appcode.Granted) error) error
}

// Granters says whether somebody may still let others have keys of a wallet.
type Granters interface {
	MayIssue(ctx context.Context, user, wallet uuid.UUID) (bool, error)
}

const maxLabel = 100 // characters

// exchangeCode answers POST /api/v1/auth/keys: whoever has a code, and its verifier, gets the key that somebody has granted.
func (a *API) exchangeCode(w http.ResponseWriter, r *http.Request) {
	reply(w, r, func(r *http.Request) (any, error) {
		if a.Codes == nil {
			return nil, noCodes()
		}
		var b struct {
			Code     string         `json:"code"`
			Verifier jsontext.Value `json:"code_verifier"`
			Method   jsontext.Value `json:"code_challenge_method"`
		}
		if err := readJSON(r.Body, &b); err != nil {
			return nil, err
		}
		verifier, err := optional(b.Verifier, "code_verifier")
		if err != nil {
			return nil, err
		}
		method, err := optional(b.Method, "code_challenge_method", string(appcode.S256), string(appcode.Plain))
		if err != nil {
			return nil, err
		}
		var answer exchanged
		err = a.Codes.Exchange(r.Context(), b.Code, verifier, appcode.Method(method), func(ctx context.Context, g appcode.Granted) error {
			answer, err = a.issueGranted(ctx, g)
			return err
		})
		return answer, err
	})
}

// exchanged is the answer of POST /api/v1/auth/keys.
type exchanged struct {
	Key    string  `json:"key"`
	UserID *string `json:"user_id"`
}

func noCodes() error {
	return domain.Errorf(problem.CodeNotConfigured, "this service grants no keys to apps")
}

// issueGranted issues the key that a code stands for. Its ids and its secret follow from the code: the same code never makes two keys.
func (a *API) issueGranted(ctx context.Context, g appcode.Granted) (exchanged, error) {
	var limits apikey.Limits
	if err := json.Unmarshal(g.Limits, &limits); err != nil {
		return exchanged{}, fmt.Errorf("read what was granted: %w", err)
	}
	if g.User != uuid.Nil {
		may, err := a.Granters.MayIssue(ctx, g.User, g.Wallet)
		if err != nil {
			return exchanged{}, err
		}
		if !may { // the person has left the organisation meanwhile
			return exchanged{}, domain.Errorf(appcode.CodeWrong, "who has granted this may not grant it any more")
		}
	} else if err := a.stillManages(ctx, g.Actor); err != nil {
		return exchanged{}, err
	}
	id := domain.DeriveID(g.ID, "key")
	secret := apikey.Secret(id, g.Random)
	at := request.ID(ctx)
	m := commands.Meta{CommandID: domain.DeriveID(g.ID, "issue"), Actor: g.Actor, CorrelationID: at, CausationID: at}
	_, done, err := a.Keyring.IssueKey(ctx, m, commands.IssueKey{KeyID: id, WalletID: g.Wallet, Hash: apikey.HashSecret(secret), Label: apikey.Label(secret), Limits: limits})
	if err != nil {
		return exchanged{}, err
	}
	answer := exchanged{Key: secret}
	if g.User != uuid.Nil {
		user := g.User.String()
		answer.UserID = &user
	}
	// The key works from here on. Where that cannot be waited for it does within moments.
	_, _ = a.Keys.Key(ctx, id, done.Position)
	return answer, nil
}

// stillManages refuses what a management key has granted that is no key any more.
func (a *API) stillManages(ctx context.Context, actor string) error {
	id, err := uuid.Parse(strings.TrimPrefix(actor, "key:"))
	if err != nil {
		return fmt.Errorf("read which key has granted this: %w", err)
	}
	end, err := a.Head.Position(ctx)
	if err != nil {
		return err
	}
	k, err := a.Keys.Key(ctx, id, end)
	if err != nil {
		return err
	}
	if err := apikey.Usable(k.Revoked, k.Disabled, k.Limits.ExpiresAt, time.Now()); err != nil {
		return domain.Errorf(appcode.CodeWrong, "the key that has granted this may not grant it any more").Wrap(err)
	}
	return nil
}

// codeBody are the members of the body of POST /api/v1/auth/keys/code. Those of telemetry are not read.
type codeBody struct {
	Callback  string         `json:"callback_url"`
	Challenge jsontext.Value `json:"code_challenge"`
	Method    jsontext.Value `json:"code_challenge_method"`
	ExpiresAt jsontext.Value `json:"expires_at"`
	Label     jsontext.Value `json:"key_label"`
	Limit     jsontext.Value `json:"limit"`
	Reset     jsontext.Value `json:"usage_limit_type"`
	Workspace jsontext.Value `json:"workspace_id"`
	Agent     jsontext.Value `json:"spawn_agent"`
	Cloud     jsontext.Value `json:"spawn_cloud"`
}

// createCode answers POST /api/v1/auth/keys/code: who manages a wallet's keys lets an app have one.
func (a *API) createCode(r *http.Request, c caller) (any, error) {
	if a.Codes == nil {
		return nil, noCodes()
	}
	var b codeBody
	if err := readJSON(r.Body, &b); err != nil {
		return nil, err
	}
	_, host, err := appcode.Callback(b.Callback)
	if err != nil {
		return nil, err
	}
	challenge, err := optional(b.Challenge, "code_challenge")
	if err != nil {
		return nil, err
	}
	method, err := optional(b.Method, "code_challenge_method", string(appcode.S256), string(appcode.Plain))
	if err != nil {
		return nil, err
	}
	workspace, err := optional(b.Workspace, "workspace_id", c.wallet.String())
	if err != nil || workspace != "" && workspace != c.wallet.String() {
		return nil, badParameter("workspace_id")
	}
	limits, err := b.limits(host)
	if err != nil {
		return nil, err
	}
	limits.MemberID = c.limits.MemberID
	text, err := json.Marshal(limits)
	if err != nil {
		return nil, fmt.Errorf("write what is granted: %w", err)
	}
	code, err := a.Codes.Make(r.Context(), appcode.Grant{
		Wallet: c.wallet, Actor: "key:" + c.key.String(), Callback: b.Callback, Challenge: challenge, Method: appcode.Method(method), Limits: text,
	})
	if err != nil {
		return nil, err
	}
	return envelope[createdCode]{createdCode{ID: code.Secret, AppID: appID(host), CreatedAt: code.CreatedAt}}, nil
}

type createdCode struct {
	ID        string    `json:"id"`
	AppID     uint32    `json:"app_id"`
	CreatedAt time.Time `json:"created_at"`
}

// appID is a number that is an app's, as OpenRouter shows one: apps are not registered, so that it follows from where an app is.
func appID(host string) uint32 {
	h := fnv.New64a()
	_, _ = io.WriteString(h, host) // never fails
	const positive = 1<<31 - 1
	return binary.BigEndian.Uint32(h.Sum(nil)) & positive
}

// limits are those of the key that a code stands for.
func (b *codeBody) limits(host string) (l apikey.Limits, err error) {
	label, err := optional(b.Label, "key_label")
	if err != nil || utf8.RuneCountInString(label) > maxLabel {
		return l, badParameter("key_label")
	}
	if l.Name = label; label == "" {
		l.Name = host
	}
	as := keyBody{Limit: b.Limit, LimitReset: b.Reset, ExpiresAt: b.ExpiresAt}
	if l.ExpiresAt, err = as.expiry(); err != nil {
		return l, err
	}
	c, err := as.limit()
	if err != nil {
		return l, err
	}
	one := apikey.Cap{Amount: c.Amount}
	if c.Window != nil {
		one.Window = *c.Window
	}
	if one.Amount == nil && one.Window != apikey.Ever {
		return l, domain.Errorf(domain.CodeInvalid, "usage_limit_type needs a limit").With(detailParam, "usage_limit_type")
	}
	l.Caps, err = one.Caps()
	return l, err
}

// optional is a member that is a string; "" when it is null or was left out.
func optional(v jsontext.Value, name string, allowed ...string) (string, error) {
	if null(v) {
		return "", nil
	}
	var text string
	if jsonv2.Unmarshal(v, &text) != nil {
		return "", badParameter(name)
	}
	for _, one := range allowed {
		if text == one {
			return text, nil
		}
	}
	if len(allowed) > 0 {
		return "", badParameter(name)
	}
	return text, nil
}

// readJSON takes exactly one JSON object with known members, each given once.
func readJSON(body io.Reader, into any) error {
	raw, err := io.ReadAll(body)
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		return domain.Errorf(problem.CodeTooLarge, "a request has at most %d bytes", long.Limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return domain.Errorf(problem.CodeTimeout, "the body did not arrive in time; nothing was done")
	case err != nil:
		return domain.Errorf(domain.CodeInvalid, "the body could not be read to its end").Wrap(err)
	case jsontext.Value(raw).Kind() != '{':
		return domain.Errorf(domain.CodeInvalid, "the body is a JSON object")
	case jsonv2.Unmarshal(raw, into, jsonv2.RejectUnknownMembers(true)) != nil: // the cause could quote a code
		return domain.Errorf(domain.CodeInvalid, "the body is no valid JSON, or has a member that is not known, given twice or of the wrong type")
	}
	return nil
}
