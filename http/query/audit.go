package query

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/trail"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/http/contract"
	"github.com/massrouter/massrouter/http/openapi"
	"github.com/massrouter/massrouter/identity/auditlog"
)

// Audit shows the audit trail; see auditlog.Log. Safe for concurrent use.
type Audit interface {
	List(ctx context.Context, f auditlog.Filter, cursor string, limit int) (auditlog.Page, error)
	Export(ctx context.Context, f auditlog.Filter, each func(*auditlog.Entry) error) error
}

// auditFilter is what is asked for. Who asks for an organisation by a role in it is not shown where the platform's people are.
func auditFilter(ctx context.Context, actor, role, action, target, result *string, wallet *uuid.UUID, from, to *time.Time) auditlog.Filter {
	return auditlog.Filter{
		Actor: chosen(actor), Role: chosen(role), Action: chosen(action), Target: chosen(target), Result: trail.Result(chosen(result)),
		Wallet: chosen(wallet), From: chosen(from), To: chosen(to), Tenant: len(auth.ActingOf(ctx).Wallets) > 0,
	}
}

// ListAuditEntries shows who did what.
func (a *API) ListAuditEntries(ctx context.Context, r ListAuditEntriesRequestObject) (ListAuditEntriesResponseObject, error) {
	n, err := contract.Limit(r.Params.Limit, contract.MaxLimit)
	if err != nil {
		return nil, err
	}
	p := r.Params
	page, err := a.auditPage(ctx, auditFilter(ctx, p.Actor, p.Role, p.Action, p.Target, p.Result, p.WalletID, p.From, p.To), p.Cursor, n)
	return ListAuditEntries200JSONResponse(page), err
}

// ListMyActivity shows somebody what was done by and to the account.
func (a *API) ListMyActivity(ctx context.Context, r ListMyActivityRequestObject) (ListMyActivityResponseObject, error) {
	n, err := contract.Limit(r.Params.Limit, contract.MaxLimit)
	if err != nil {
		return nil, err
	}
	p := r.Params
	page, err := a.auditPage(ctx, auditlog.Filter{About: auth.From(ctx).User, From: chosen(p.From), To: chosen(p.To)}, p.Cursor, n)
	return ListMyActivity200JSONResponse(page), err
}

func (a *API) auditPage(ctx context.Context, f auditlog.Filter, cursor *string, n int) (AuditEntryPage, error) {
	page, err := a.views.Audit.List(ctx, f, chosen(cursor), n)
	if err != nil {
		return AuditEntryPage{}, err
	}
	shown := AuditEntryPage{Items: make([]AuditEntry, len(page.Entries)), NextCursor: present(page.Next)}
	for i := range page.Entries {
		shown.Items[i] = auditEntry(&page.Entries[i])
	}
	return shown, nil
}

func auditEntry(e *auditlog.Entry) AuditEntry {
	shown := AuditEntry{
		ID: openapi.Count(e.ID), RecordedAt: e.RecordedAt, Actor: e.Actor, Role: present(e.Role), Action: e.Action, Target: present(e.Target),
		Result: string(e.Result), Code: present(e.Code), Reason: present(e.Reason), WalletID: present(e.Wallet), OrganisationID: present(e.Organisation),
		SessionID: present(e.Session), RequestID: present(e.Request), CommandID: present(e.Command), Position: present(openapi.Count(e.Position)),
		Events: list(e.Events), PersonalErased: e.Erased, Sequence: present(openapi.Count(e.Sequence)),
	}
	if e.Before != nil {
		shown.Before = e.Before
	}
	if e.After != nil {
		shown.After = e.After
	}
	if e.Hash != nil {
		hash := hex.EncodeToString(e.Hash)
		shown.Hash = &hash
	}
	if p := e.Personal; p != nil {
		shown.Personal = &AuditPersonal{Address: present(p.Address), UserAgent: present(p.UserAgent)}
		if p.Values != nil {
			shown.Personal.Values = &p.Values
		}
	}
	return shown
}

// auditFile is the trail as a file.
type auditFile struct{ file }

// VisitExportAuditEntriesResponse implements ExportAuditEntriesResponseObject.
func (f auditFile) VisitExportAuditEntriesResponse(w http.ResponseWriter) error { return f.send(w) }

// ExportAuditEntries writes the trail to a file.
func (a *API) ExportAuditEntries(ctx context.Context, r ExportAuditEntriesRequestObject) (ExportAuditEntriesResponseObject, error) {
	p := r.Params
	filter := auditFilter(ctx, p.Actor, p.Role, p.Action, p.Target, p.Result, p.WalletID, p.From, p.To)
	switch format := r.Params.Format; format {
	case formatLines:
		return auditFile{file{ctx: ctx, format: formatLines, name: "audit", write: func(ctx context.Context, to io.Writer) error {
			encoder := json.NewEncoder(to)
			return a.views.Audit.Export(ctx, filter, func(e *auditlog.Entry) error { return encoder.Encode(auditEntry(e)) })
		}}}, nil
	case formatCSV:
		return auditFile{table(ctx, "audit", auditHead(), func(ctx context.Context, row func(...string) error) error {
			return a.views.Audit.Export(ctx, filter, func(e *auditlog.Entry) error { return row(auditCells(e)...) })
		})}, nil
	default:
		return nil, domain.Errorf(domain.CodeInvalid, "format is one of jsonl, csv").With("parameter", "format")
	}
}

func auditHead() []string {
	return []string{
		"id", "recorded_at", "actor", "role", "action", "target", "result", "code", "reason", "wallet_id", "organisation_id", "session_id", "request_id",
		"command_id", "position", "events", "before", "after", "address", "user_agent", "sequence", "hash",
	}
}

func auditCells(e *auditlog.Entry) []string {
	personal := trail.Personal{}
	if e.Personal != nil {
		personal = *e.Personal
	}
	return []string{
		number(e.ID), e.RecordedAt.Format(time.RFC3339Nano), e.Actor, e.Role, e.Action, e.Target, string(e.Result), e.Code, e.Reason, named(e.Wallet),
		named(e.Organisation), named(e.Session), named(e.Request), named(e.Command), number(e.Position), strings.Join(e.Events, " "), string(e.Before),
		string(e.After), personal.Address, personal.UserAgent, number(e.Sequence), hex.EncodeToString(e.Hash),
	}
}

// number is a cell, empty for none.
func number(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// named is a cell, empty for none.
func named(id uuid.UUID) string {
	if id == uuid.Nil {
		return ""
	}
	return id.String()
}
