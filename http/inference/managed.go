package inference

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/http/problem"
	"github.com/massrouter/massrouter/projections/keys"
)

// managedKey is a key as OpenRouter's /keys has it. A wallet is a workspace here; members and BYOK in limits do not exist.
type managedKey struct {
	Hash           string       `json:"hash"` // SHA-256 of the secret, in hex: another one after a rotation
	Name           string       `json:"name"`
	Label          string       `json:"label"`
	Disabled       bool         `json:"disabled"`
	Limit          *json.Number `json:"limit"`
	LimitRemaining *json.Number `json:"limit_remaining"`
	LimitReset     *string      `json:"limit_reset"`
	IncludeBYOK    bool         `json:"include_byok_in_limit"`
	spentBy
	CreatedAt     time.Time  `json:"created_at"`
	UpdatedAt     *time.Time `json:"updated_at"`
	ExpiresAt     *time.Time `json:"expires_at"`
	CreatorUserID *string    `json:"creator_user_id"`
	ExternalUser  *string    `json:"external_user"` // newer than OpenRouter's published description; its clients insist on it
	WorkspaceID   uuid.UUID  `json:"workspace_id"`
}

// spentBy is what a key has spent by UTC window, and what vendors billed the customer for calls with the customer's own keys.
type spentBy struct {
	Usage            json.Number `json:"usage"`
	UsageDaily       json.Number `json:"usage_daily"`
	UsageWeekly      json.Number `json:"usage_weekly"`
	UsageMonthly     json.Number `json:"usage_monthly"`
	BYOKUsage        json.Number `json:"byok_usage"`
	BYOKUsageDaily   json.Number `json:"byok_usage_daily"`
	BYOKUsageWeekly  json.Number `json:"byok_usage_weekly"`
	BYOKUsageMonthly json.Number `json:"byok_usage_monthly"`
}

func spentOf(k *keys.Key) spentBy {
	own := &k.Spent.Upstream
	return spentBy{
		Usage: number(k.Spent.Total), UsageDaily: number(k.Spent.Day), UsageWeekly: number(k.Spent.Week), UsageMonthly: number(k.Spent.Month),
		BYOKUsage: number(own.Total), BYOKUsageDaily: number(own.Day), BYOKUsageWeekly: number(own.Week), BYOKUsageMonthly: number(own.Month),
	}
}

func managedKeyOf(k *keys.Key) managedKey {
	out := managedKey{
		Hash: k.Hash.String(), Name: k.Limits.Name, Label: k.Label, Disabled: k.Disabled, CreatedAt: k.IssuedAt.UTC(), WorkspaceID: k.WalletID,
		spentBy: spentOf(k),
	}
	if l, ok := tightest(k); ok {
		limit, remaining := number(l.most), number(l.rest)
		out.Limit, out.LimitRemaining, out.LimitReset = &limit, &remaining, l.reset
	}
	if k.UpdatedAt.After(k.IssuedAt) {
		updated := k.UpdatedAt.UTC()
		out.UpdatedAt = &updated
	}
	if !k.Limits.ExpiresAt.IsZero() {
		expires := k.Limits.ExpiresAt.UTC()
		out.ExpiresAt = &expires
	}
	return out
}

// keyBody are the members of the bodies of POST and PATCH. What was left out is nil.
type keyBody struct {
	Name          jsontext.Value `json:"name"`
	Disabled      jsontext.Value `json:"disabled"`
	Limit         jsontext.Value `json:"limit"`
	LimitReset    jsontext.Value `json:"limit_reset"`
	IncludeBYOK   jsontext.Value `json:"include_byok_in_limit"`
	ExpiresAt     jsontext.Value `json:"expires_at"`
	CreatorUserID jsontext.Value `json:"creator_user_id"`
	WorkspaceID   jsontext.Value `json:"workspace_id"`
}

// readBody takes exactly one JSON object with known members, each given once.
func readBody(body io.Reader) (keyBody, error) {
	raw, err := io.ReadAll(body)
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		return keyBody{}, domain.Errorf(problem.CodeTooLarge, "a request has at most %d bytes", long.Limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return keyBody{}, domain.Errorf(problem.CodeTimeout, "the body did not arrive in time; nothing was done")
	case err != nil:
		return keyBody{}, domain.Errorf(domain.CodeInvalid, "the body could not be read to its end").Wrap(err)
	}
	var b keyBody
	if jsontext.Value(raw).Kind() != '{' {
		return keyBody{}, domain.Errorf(domain.CodeInvalid, "the body is a JSON object")
	}
	if err := jsonv2.Unmarshal(raw, &b, jsonv2.RejectUnknownMembers(true)); err != nil {
		refusal := domain.Errorf(domain.CodeInvalid, "the body is no valid JSON, or has a member that is not known or given twice").Wrap(err)
		var unknown *jsonv2.SemanticError
		if errors.As(err, &unknown) && errors.Is(err, jsonv2.ErrUnknownName) {
			refusal = refusal.With(detailParam, clipped(strings.TrimPrefix(string(unknown.JSONPointer), "/")))
		}
		return keyBody{}, refusal
	}
	return b, nil
}

func clipped(name string) string {
	const longest = 80
	return strings.ToValidUTF8(name[:min(len(name), longest)], "?")
}

func null(v jsontext.Value) bool { return len(v) == 0 || v.Kind() == 'n' }

// nobodyElse refuses what would need members or BYOK in limits.
func (b *keyBody) nobodyElse() error {
	if !null(b.CreatorUserID) {
		return domain.Errorf(domain.CodeInvalid, "there are no members here").With(detailParam, "creator_user_id")
	}
	if !null(b.IncludeBYOK) && b.IncludeBYOK.Kind() != 'f' {
		return domain.Errorf(domain.CodeInvalid, "what is paid to a vendor directly does not count here").With(detailParam, "include_byok_in_limit")
	}
	return nil
}

func readCreate(body io.Reader, wallet uuid.UUID) (apikey.Limits, error) {
	b, err := readBody(body)
	if err != nil {
		return apikey.Limits{}, err
	}
	if err := b.nobodyElse(); err != nil {
		return apikey.Limits{}, err
	}
	if len(b.Disabled) > 0 {
		return apikey.Limits{}, badParameter("disabled")
	}
	var workspace uuid.UUID
	if !null(b.WorkspaceID) && (jsonv2.Unmarshal(b.WorkspaceID, &workspace) != nil || workspace != wallet) {
		return apikey.Limits{}, badParameter("workspace_id")
	}
	var l apikey.Limits
	name, err := b.name()
	if err != nil {
		return l, err
	}
	if name == nil {
		return l, domain.Errorf(domain.CodeInvalid, "a key needs a name").With(detailParam, "name")
	}
	l.Name = *name
	if l.ExpiresAt, err = b.expiry(); err != nil {
		return l, err
	}
	c, err := b.limit()
	if err != nil {
		return l, err
	}
	if c.Amount == nil && c.Window != nil && *c.Window != apikey.Ever {
		return l, domain.Errorf(domain.CodeInvalid, "limit_reset needs a limit").With(detailParam, "limit_reset")
	}
	one := apikey.Cap{Amount: c.Amount}
	if c.Window != nil {
		one.Window = *c.Window
	}
	l.Caps, err = one.Caps()
	return l, err
}

func readChange(body io.Reader) (apikey.Change, error) {
	b, err := readBody(body)
	if err != nil {
		return apikey.Change{}, err
	}
	if err := b.nobodyElse(); err != nil {
		return apikey.Change{}, err
	}
	for name, v := range map[string]jsontext.Value{"expires_at": b.ExpiresAt, "workspace_id": b.WorkspaceID} {
		if len(v) > 0 {
			return apikey.Change{}, domain.Errorf(domain.CodeInvalid, "%s is not changed here", name).With(detailParam, name)
		}
	}
	c, err := b.limit()
	if err != nil {
		return c, err
	}
	if c.Name, err = b.name(); err != nil {
		return c, err
	}
	if len(b.Disabled) > 0 {
		c.Disabled = new(bool)
		if jsonv2.Unmarshal(b.Disabled, c.Disabled) != nil || null(b.Disabled) {
			return c, badParameter("disabled")
		}
	}
	return c, nil
}

func (b *keyBody) name() (*string, error) {
	if len(b.Name) == 0 {
		return nil, nil //nolint:nilnil // no name is a valid answer
	}
	var name string
	if jsonv2.Unmarshal(b.Name, &name) != nil || name == "" {
		return nil, badParameter("name")
	}
	return &name, nil
}

// limit reads limit and limit_reset: a limit of null takes all caps away, a reset of null makes it one for ever.
func (b *keyBody) limit() (apikey.Change, error) {
	var c apikey.Change
	switch {
	case len(b.Limit) == 0:
	case null(b.Limit):
		c.Uncapped = true
	default:
		amount, err := money.Parse(string(b.Limit))
		if err != nil || b.Limit.Kind() != '0' || amount.Sign() < 0 {
			return c, badParameter("limit")
		}
		c.Amount = &amount
	}
	if len(b.LimitReset) == 0 {
		return c, nil
	}
	window := apikey.Ever
	if !null(b.LimitReset) {
		if jsonv2.Unmarshal(b.LimitReset, &window) != nil {
			return c, badParameter("limit_reset")
		}
		switch window {
		case apikey.Daily, apikey.Weekly, apikey.Monthly:
		default:
			return c, badParameter("limit_reset")
		}
	}
	c.Window = &window
	if c.Uncapped && window != apikey.Ever {
		return c, domain.Errorf(domain.CodeInvalid, "limit_reset needs a limit").With(detailParam, "limit_reset")
	}
	return c, nil
}

// expiry is a moment in UTC, as OpenRouter wants it; zero for none.
func (b *keyBody) expiry() (time.Time, error) {
	if null(b.ExpiresAt) {
		return time.Time{}, nil
	}
	var text string
	if jsonv2.Unmarshal(b.ExpiresAt, &text) != nil {
		return time.Time{}, badParameter("expires_at")
	}
	at, err := time.Parse(time.RFC3339, text)
	if _, offset := at.Zone(); err != nil || offset != 0 {
		return time.Time{}, badParameter("expires_at")
	}
	return at.UTC(), nil
}
