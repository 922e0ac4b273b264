package organisation

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/http/problem"
	"github.com/massrouter/massrouter/http/request"
	"github.com/massrouter/massrouter/identity/access"
)

// FourEyes keeps what a second person has to approve from being done at once: it is noted, and answered with 202. It runs after auth.Guard. The operator token
// is nobody's, and what it asks for is done.
func (a *API) FourEyes(next http.Handler) http.Handler {
	listed, permissions := access.Listed(), map[string]access.Permission{}
	for _, op := range auth.Operations() {
		permissions[op.ID] = op.Permission
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, operation := r.Context(), auth.OperationOf(r.Context())
		above, is := listed[operation]
		user := auth.From(ctx).User
		if !is || user == uuid.Nil || auth.ApprovedBy(ctx) != "" {
			next.ServeHTTP(w, r)
			return
		}
		raw, err := io.ReadAll(r.Body)
		if err != nil || (above && !a.large(raw)) {
			r.Body = struct {
				io.Reader
				io.Closer
			}{io.MultiReader(bytes.NewReader(raw), r.Body), r.Body} // a body that cannot be read is the operation's to refuse
			next.ServeHTTP(w, r)
			return
		}
		asked, err := a.ask(r, raw, access.Approval{Operation: operation, Permission: permissions[operation], By: user})
		if err != nil {
			problem.Write(w, r, err)
			return
		}
		body, err := json.Marshal(a.approval(&asked))
		if err != nil {
			problem.Write(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write(body) //nolint:gosec // JSON, and said to be; a client that went away finds it in the list
	})
}

// large says whether a body moves more than the configured amount. What cannot be read moves nothing: the operation refuses it.
func (a *API) large(raw []byte) bool {
	var body struct {
		Amount money.Amount `json:"amount"`
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		return false
	}
	amount := body.Amount
	if amount.Sign() < 0 {
		amount = amount.Neg()
	}
	return a.ApproveAbove.LessThan(amount)
}

func (a *API) ask(r *http.Request, raw []byte, asked access.Approval) (access.Approval, error) {
	var key *string
	if given := r.Header.Values("Idempotency-Key"); len(given) > 0 {
		key = &given[0]
	}
	m, err := meta(r.Context(), key)
	if err != nil {
		return asked, err
	}
	asked.ID, asked.Method, asked.Path, asked.Body = domain.DeriveID(m.CommandID, "approval"), r.Method, r.URL.RequestURI(), strings.ToValidUTF8(string(raw), "\uFFFD")
	return a.Access.Ask(r.Context(), asked)
}

// ListApprovals lists what waits for a second person.
func (a *API) ListApprovals(ctx context.Context, r ListApprovalsRequestObject) (ListApprovalsResponseObject, error) {
	all, err := a.Access.Approvals(ctx, r.Params.Past != nil && *r.Params.Past)
	if err != nil {
		return nil, err
	}
	answer := ListApprovals200JSONResponse{Items: make([]Approval, len(all))}
	for i := range all {
		answer.Items[i] = a.approval(&all[i])
	}
	return answer, nil
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
