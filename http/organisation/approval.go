package organisation

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/go-json-experiment/json"
	"github.com/google/uuid"
	"github.com/rs/zerolog"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/http/body"
	"github.com/massrouter/massrouter/http/contract"
	"github.com/massrouter/massrouter/http/problem"
	"github.com/massrouter/massrouter/http/request"
	"github.com/massrouter/massrouter/identity/access"
)

// FourEyes keeps what a second person has to approve from being done at once: it is noted, and answered with 202. It runs after auth.Guard. The operator token
// is nobody's, and what it asks for is done. others makes the bodies of other rooms' operations, by their names: nobody is asked about what no operation takes.
func (a *API) FourEyes(others map[string]func() any) func(http.Handler) http.Handler {
	listed, permissions, makers := access.Listed(), map[string]access.Permission{}, bodies()
	maps.Copy(makers, others)
	for _, op := range auth.Operations() {
		permissions[op.ID] = op.Permission
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, operation := r.Context(), auth.OperationOf(r.Context())
			above, is := listed[operation]
			user := auth.From(ctx).User
			if !is || user == uuid.Nil || auth.ApprovedBy(ctx) != "" {
				next.ServeHTTP(w, r)
				return
			}
			raw, err := io.ReadAll(r.Body)
			if err != nil || body.Check(r, raw, makers[operation]) != nil {
				r.Body = rest(raw, r.Body) // the operation's to refuse
				next.ServeHTTP(w, r)
				return
			}
			m, err := a.command(r)
			if err != nil {
				problem.Write(w, r, err)
				return
			}
			if above {
				may, noted, err := a.alone(ctx, m.CommandID, user, raw)
				if err != nil {
					problem.Write(w, r, err)
					return
				}
				if may {
					r.Body = rest(raw, r.Body)
					a.moved(next, w, r, m.CommandID, noted)
					return
				}
			}
			a.ask(w, r, raw, access.Approval{ID: domain.DeriveID(m.CommandID, "approval"), Operation: operation, Permission: permissions[operation], By: user})
		})
	}
}

// rest is a body of which something was read.
func rest(raw []byte, of io.ReadCloser) io.ReadCloser {
	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(raw), of), of}
}

// command is what a request is: what is sent again is the same one.
func (a *API) command(r *http.Request) (commands.Meta, error) {
	var key *string
	if given := r.Header.Values("Idempotency-Key"); len(given) > 0 {
		key = &given[0]
	}
	return contract.Meta(r.Context(), key)
}

// alone says whether the caller may move what the body says without a second person.
func (a *API) alone(ctx context.Context, command, user uuid.UUID, raw []byte) (may bool, noted time.Time, err error) {
	var moved struct {
		Amount   money.Amount `json:"amount"`
		Currency string       `json:"currency"`
	}
	if err := json.Unmarshal(raw, &moved); err != nil {
		return false, time.Time{}, domain.Errorf(domain.CodeInvalid, "the body does not fit the operation").Wrap(err)
	}
	return a.Access.MayMoveAlone(ctx, access.Movement{CommandID: command, By: user, Currency: moved.Currency, Amount: moved.Amount}, a.ApproveAbove)
}

// moved makes a request, which counts as a movement unless it is refused.
func (a *API) moved(next http.Handler, w http.ResponseWriter, r *http.Request, command uuid.UUID, noted time.Time) {
	answered := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
	next.ServeHTTP(answered, r)
	if status := answered.Status(); noted.IsZero() || status < http.StatusBadRequest || status >= http.StatusInternalServerError {
		return // what failed may have been done
	}
	if err := a.Access.MovedNothing(context.WithoutCancel(r.Context()), command, noted); err != nil {
		zerolog.Ctx(r.Context()).Warn().Err(err).Msg("a movement that was refused counts for a day")
	}
}

// ask notes what waits for a second person, and says so.
func (a *API) ask(w http.ResponseWriter, r *http.Request, raw []byte, asked access.Approval) {
	asked.Method, asked.Path, asked.Body = r.Method, r.URL.RequestURI(), string(raw)
	kept, err := a.noted(r.Context(), asked)
	if err != nil {
		problem.Write(w, r, err)
		return
	}
	answer, err := json.Marshal(a.approval(&kept))
	if err != nil {
		problem.Write(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = w.Write(answer) // a client that went away finds it in the list
}

// ListApprovals lists what waits for a second person.
func (a *API) ListApprovals(ctx context.Context, r ListApprovalsRequestObject) (ListApprovalsResponseObject, error) {
	n, err := contract.Limit(r.Params.Limit, contract.MaxLimit)
	if err != nil {
		return nil, err
	}
	p, err := a.Access.Approvals(ctx, chosen(r.Params.Past), chosen(r.Params.Cursor), n)
	if err != nil {
		return nil, err
	}
	return ListApprovals200JSONResponse{Items: shown(p.Items, a.approval), NextCursor: present(p.NextCursor)}, nil
}

// GetApproval shows what waits, or what became of it.
func (a *API) GetApproval(ctx context.Context, r GetApprovalRequestObject) (GetApprovalResponseObject, error) {
	found, err := a.Access.Approval(ctx, r.ApprovalID)
	if err != nil {
		return nil, err
	}
	return GetApproval200JSONResponse(a.approval(&found)), nil
}

// ApproveRequest approves a request and makes it.
func (a *API) ApproveRequest(ctx context.Context, r ApproveRequestRequestObject) (ApproveRequestResponseObject, error) {
	found, err := a.decide(ctx, r.ApprovalID, access.Approved)
	if err != nil {
		return nil, err
	}
	if found.Status == 0 || found.Status >= http.StatusInternalServerError { // made once; what failed is made again
		if !a.Now().Before(found.ExpiresAt) {
			return nil, domain.Errorf(domain.CodeConflict, "this has waited too long: ask for it again")
		}
		if found.Status, found.Answer, err = a.do(ctx, &found); err != nil {
			return nil, err
		}
	}
	return ApproveRequest200JSONResponse(a.approval(&found)), nil
}

// RefuseRequest refuses a request.
func (a *API) RefuseRequest(ctx context.Context, r RefuseRequestRequestObject) (RefuseRequestResponseObject, error) {
	found, err := a.decide(ctx, r.ApprovalID, access.Refused)
	if err != nil {
		return nil, err
	}
	return RefuseRequest200JSONResponse(a.approval(&found)), nil
}

// WithdrawRequest takes back what one has asked for.
func (a *API) WithdrawRequest(ctx context.Context, r WithdrawRequestRequestObject) (WithdrawRequestResponseObject, error) {
	found, err := a.Access.Decide(ctx, r.ApprovalID, auth.From(ctx).User, access.Withdrawn)
	if err != nil {
		return nil, err
	}
	return WithdrawRequest200JSONResponse(a.approval(&found)), nil
}

// decide is for a person with the right to do what was asked for.
func (a *API) decide(ctx context.Context, id uuid.UUID, d access.Decision) (access.Approval, error) {
	actor := auth.From(ctx)
	if actor.User == uuid.Nil {
		return access.Approval{}, domain.Errorf(domain.CodeForbidden, "a person has to decide: the operator token is nobody")
	}
	asked, err := a.Access.Approval(ctx, id)
	if err != nil {
		return asked, err
	}
	if err := auth.Authorize(actor, asked.Permission); err != nil {
		return asked, err
	}
	return a.Access.Decide(ctx, id, actor.User, d)
}

// do makes a request in the name of who asked for it, with the rights of now. The approval's id is its idempotency key.
func (a *API) do(ctx context.Context, asked *access.Approval) (int, string, error) {
	rights, err := a.Access.Rights(ctx, asked.By)
	if err != nil {
		return 0, "", err
	}
	asker := auth.Actor{ID: "user:" + asked.By.String(), User: asked.By, Platform: rights.Platform, Tenants: rights.Tenants, Roles: rights.Roles}
	approver := auth.From(ctx).ID
	within := context.WithValue(auth.WithApproval(ctx, asker, approver), chi.RouteCtxKey, nil) // it is routed anew
	r, err := http.NewRequestWithContext(within, asked.Method, asked.Path, strings.NewReader(asked.Body))
	if err != nil {
		return 0, "", err
	}
	r.RequestURI = asked.Path
	r.Header.Set("Idempotency-Key", asked.ID.String())
	r.Header.Set(request.Header, request.ID(ctx).String())
	if asked.Body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	answer := &answer{header: http.Header{}, status: http.StatusOK}
	a.dispatch.ServeHTTP(answer, r)
	return answer.status, answer.body.String(), a.Access.Answered(ctx, asked.ID, answer.status, answer.body.String())
}

// answer keeps what a request is answered.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(b []byte) (int, error) { return a.body.Write(b) }

func (a *API) approval(p *access.Approval) Approval {
	state := string(p.Decision)
	switch {
	case p.Decision != access.Undecided:
	case a.Now().Before(p.ExpiresAt):
		state = "open"
	default:
		state = "expired"
	}
	return Approval{
		ID: p.ID, Operation: p.Operation, Method: p.Method, Path: p.Path, Body: p.Body, Permission: string(p.Permission), RequestedBy: p.By,
		CreatedAt: p.CreatedAt, ExpiresAt: p.ExpiresAt, State: state, DecidedBy: present(p.DecidedBy), DecidedAt: moment(p.DecidedAt),
		Status: present(p.Status), Answer: present(p.Answer),
	}
}
