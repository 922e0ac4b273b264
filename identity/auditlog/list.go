package auditlog

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/trail"
	"github.com/massrouter/massrouter/eventstore/wall"
)

// Entry is an entry as it is shown.
type Entry struct {
	ID         int64
	RecordedAt time.Time
	trail.Body
	Personal *trail.Personal // nil when there was nothing, or when it was erased
	Erased   bool
	Sequence int64  // in the chain; 0 while it waits for its link
	Hash     []byte // of the link
}

// Filter is which entries are asked for. What is zero does not matter.
type Filter struct {
	Actor, Action, Target string
	// Role in which somebody acts. Of several on the platform, as in "platform:auditor+finance", the actor has these, and may have others.
	Role     string
	Result   trail.Result
	Wallet   uuid.UUID // of a tenant: entries that name it, or its organisation
	From, To time.Time // inclusive, exclusive
	// About is a person: entries that the person left, and those of others about the account. Of the latter nothing personal is shown.
	About uuid.UUID
	// Tenant leaves out what a tenant is not shown: where the platform's people are, and what they use.
	Tenant bool
}

const (
	defaultLimit = 50
	maxLimit     = 200
	maxText      = 300 // bytes
)

// Page is a part of a list, the newest entries first.
type Page struct {
	Entries []Entry
	Next    string // cursor; "" at the end
}

func (f *Filter) check() error {
	for name, value := range map[string]string{"actor": f.Actor, "action": f.Action, "target": f.Target} {
		if len(value) > maxText {
			return invalid(name, "%s has at most %d bytes", name, maxText)
		}
		if err := domain.CheckText(name, value); err != nil {
			return err
		}
	}
	if f.Role != "" && !aRole.MatchString(f.Role) {
		return invalid("role", "role is one of an entry, such as owner, operator, management or platform:auditor")
	}
	switch f.Result {
	case "", trail.Done, trail.Unchanged, trail.Read, trail.Refused, trail.Failed:
	default:
		return invalid("result", "result is one of: done, unchanged, read, refused, failed")
	}
	for name, t := range map[string]time.Time{"from": f.From, "to": f.To} {
		if y := t.UTC().Year(); y < 1 || y > 9999 {
			return invalid(name, "a time lies in the years 1 to 9999")
		}
	}
	if !f.From.IsZero() && !f.To.IsZero() && !f.From.Before(f.To) {
		return invalid("from", "from lies before to")
	}
	return nil
}

// aRole is what roles look like. They are no closed list: entries keep those that there are no more.
var aRole = regexp.MustCompile(`^([a-z-]{1,30}|` + onPlatform + `[a-z-]{1,30}(\+[a-z-]{1,30}){0,8})$`)

// onPlatform begins a role that somebody has by grants, with "+" between several.
const onPlatform = "platform:"

func invalid(param, format string, args ...any) error {
	return domain.Errorf(domain.CodeInvalid, format, args...).With("field", param)
}

// List shows entries, the newest first. limit is 1 to 200, 0 means 50. Errors: invalid_request with "field".
func (l *Log) List(ctx context.Context, f Filter, cursor string, limit int) (Page, error) {
	if limit == 0 {
		limit = defaultLimit
	}
	if limit < 0 || limit > maxLimit {
		return Page{}, invalid("limit", "limit is between 1 and %d", maxLimit)
	}
	if err := f.check(); err != nil {
		return Page{}, err
	}
	before, err := readCursor(cursor)
	if err != nil {
		return Page{}, err
	}
	entries, err := l.read(ctx, f, before, limit+1)
	if err != nil {
		return Page{}, err
	}
	p := Page{Entries: entries}
	if len(entries) > limit {
		p.Entries = entries[:limit]
		p.Next = writeCursor(p.Entries[limit-1].ID)
	}
	return p, nil
}

// exportPage is how many entries of an export are read at once.
const exportPage = 1000

// Export gives every entry that is there when it begins, the newest first.
func (l *Log) Export(ctx context.Context, f Filter, each func(*Entry) error) error {
	if err := f.check(); err != nil {
		return err
	}
	for before := int64(0); ; {
		entries, err := l.read(ctx, f, before, exportPage)
		if err != nil {
			return err
		}
		for i := range entries {
			if err := each(&entries[i]); err != nil {
				return err
			}
		}
		if len(entries) < exportPage {
			return nil
		}
		before = entries[len(entries)-1].ID
	}
}

// role is that of an entry. It has no index: a rare one is looked for in all entries, or in those of a wallet, an actor or a time.
const role = `(e.body ->> 'role')`

// read reads entries before an id, or the newest ones for 0.
func (l *Log) read(ctx context.Context, f Filter, before int64, limit int) ([]Entry, error) {
	conditions, args := []string{"true"}, []any{}
	add := func(condition string, value any) {
		args = append(args, value)
		conditions = append(conditions, strings.ReplaceAll(condition, "?", "$"+strconv.Itoa(len(args))))
	}
	if before > 0 {
		add("e.entry_id < ?", before)
	}
	if f.Actor != "" {
		add("e.actor = ?", f.Actor)
	}
	if f.Action != "" {
		add("e.action = ?", f.Action)
	}
	if f.Target != "" {
		add("e.target = ?", f.Target)
	}
	if names, platform := strings.CutPrefix(f.Role, onPlatform); platform {
		add(`(`+role+` LIKE '`+onPlatform+`%' AND string_to_array(substr(`+role+`, `+strconv.Itoa(len(onPlatform)+1)+`), '+') @> string_to_array(?, '+'))`, names)
	} else if f.Role != "" {
		add(role+" = ?", f.Role)
	}
	if f.Result != "" {
		add("e.result = ?", string(f.Result))
	}
	if f.Wallet != uuid.Nil {
		add("(e.wallet_id = ? OR e.organisation_id IN (SELECT organisation_id FROM identity.organisations WHERE wallet_id = ?))", f.Wallet)
	}
	if f.About != uuid.Nil {
		add("(e.person = ? AND e.personal IS NOT NULL OR e.target = 'user:' || ?::uuid::text)", f.About)
	}
	if !f.From.IsZero() {
		add("e.recorded_at >= ?", f.From)
	}
	if !f.To.IsZero() {
		add("e.recorded_at < ?", f.To)
	}
	args = append(args, limit)
	rows, err := wall.Query(ctx, l.pool, `SELECT e.entry_id, e.recorded_at, e.body::text, e.personal, e.personal_hash IS NOT NULL AND e.personal IS NULL,
			coalesce(s.sequence, 0), s.hash
		FROM audit.entries e LEFT JOIN audit.seals s USING (entry_id) WHERE `+strings.Join(conditions, " AND ")+`
		ORDER BY e.entry_id DESC LIMIT $`+strconv.Itoa(len(args)), args...)
	if err != nil {
		return nil, fmt.Errorf("read the audit trail: %w", err)
	}
	entries, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (Entry, error) { return scan(r, &f) })
	if err != nil {
		return nil, fmt.Errorf("read the audit trail: %w", err)
	}
	return entries, nil
}

func scan(r pgx.CollectableRow, f *Filter) (Entry, error) {
	var e Entry
	var body string
	var personal *string
	if err := r.Scan(&e.ID, &e.RecordedAt, &body, &personal, &e.Erased, &e.Sequence, &e.Hash); err != nil {
		return e, err
	}
	e.RecordedAt = e.RecordedAt.UTC()
	if err := json.Unmarshal([]byte(body), &e.Body); err != nil {
		return e, fmt.Errorf("entry %d: %w", e.ID, err)
	}
	staff := e.Role == "operator" || strings.HasPrefix(e.Role, onPlatform)
	hidden := f.Tenant && staff || f.About != uuid.Nil && e.Person != f.About
	if personal != nil && !hidden {
		e.Personal = &trail.Personal{}
		if err := json.Unmarshal([]byte(*personal), e.Personal); err != nil {
			return e, fmt.Errorf("entry %d: %w", e.ID, err)
		}
	}
	return e, nil
}

const cursorKind = "trail."

func writeCursor(id int64) string {
	return base64.RawURLEncoding.EncodeToString([]byte(cursorKind + strconv.FormatInt(id, 10)))
}

func readCursor(cursor string) (int64, error) {
	if cursor == "" {
		return 0, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	digits, ours := strings.CutPrefix(string(raw), cursorKind)
	id, numeric := strconv.ParseInt(digits, 10, 64)
	if err != nil || !ours || numeric != nil || id < 1 || writeCursor(id) != cursor {
		return 0, invalid("cursor", "the cursor is not one that this list gave")
	}
	return id, nil
}
