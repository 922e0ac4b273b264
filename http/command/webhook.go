package command

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/contract"
	"github.com/massrouter/massrouter/http/openapi"
	"github.com/massrouter/massrouter/http/problem"
	"github.com/massrouter/massrouter/reactors/webhook"
)

// Webhooks changes webhooks; see webhook.Registry for what each method promises and refuses. Refusals of what a caller
// chose are invalid_request with the detail "field". Safe for concurrent use.
type Webhooks interface {
	Register(ctx context.Context, q webhook.Request, wallet uuid.UUID, s webhook.Settings) (webhook.Registered, error)
	Update(ctx context.Context, q webhook.Request, id uuid.UUID, s webhook.Settings) (webhook.Webhook, bool, error)
	Rotate(ctx context.Context, q webhook.Request, id uuid.UUID, grace time.Duration) (webhook.Rotated, error)
	Delete(ctx context.Context, q webhook.Request, id uuid.UUID) (bool, error)
	Ping(ctx context.Context, q webhook.Request, id uuid.UUID) (webhook.Delivery, bool, error)
	Redeliver(ctx context.Context, q webhook.Request, webhook, id uuid.UUID) (webhook.Delivery, bool, error)
	ReplayRange(ctx context.Context, q webhook.Request, id uuid.UUID, want webhook.RangeRequest) (webhook.Webhook, bool, error)
}

// hooks are the webhooks, with who asks for a change.
func (a *API) hooks(ctx context.Context, key *string) (Webhooks, webhook.Request, error) {
	if a.webhooks == nil {
		return nil, webhook.Request{}, domain.Errorf(problem.CodeNotConfigured, "this service has no webhooks: it needs a key to seal their secrets")
	}
	m, err := contract.Meta(ctx, key)
	return a.webhooks, webhook.Request{ID: m.CommandID, Actor: m.Actor}, err
}

// blame names the member of the body that a refusal is about, as a JSON pointer.
func blame(err error) error {
	var refusal *domain.Error
	if !errors.As(err, &refusal) || refusal.Details["field"] == "" {
		return err
	}
	return domain.Errorf(refusal.Code, "%s", refusal.Message).With("member", "/"+refusal.Details["field"]).Wrap(err)
}

func settings(b *WebhookSettings) webhook.Settings {
	s := webhook.Settings{Name: chosen(b.Name), URL: b.URL, BalanceThreshold: b.BalanceThreshold, Disabled: chosen(b.Disabled)}
	for _, t := range chosen(b.EventTypes) {
		s.EventTypes = append(s.EventTypes, webhook.Type(t))
	}
	return s
}

// CreateWebhook registers a webhook and shows its secret in this one answer.
func (a *API) CreateWebhook(ctx context.Context, r CreateWebhookRequestObject) (CreateWebhookResponseObject, error) {
	hooks, q, err := a.hooks(ctx, r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	made, err := hooks.Register(ctx, q, r.WalletID, settings(r.Body))
	if err != nil {
		return nil, blame(err)
	}
	from := openapi.Count(made.FromPosition)
	return CreateWebhook201JSONResponse{WebhookID: made.ID, Secret: made.Secret, FromPosition: &from}, nil
}

// UpdateWebhook replaces a webhook's settings.
func (a *API) UpdateWebhook(ctx context.Context, r UpdateWebhookRequestObject) (UpdateWebhookResponseObject, error) {
	hooks, q, err := a.hooks(ctx, r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	_, replayed, err := hooks.Update(ctx, q, r.WebhookID, settings(r.Body))
	if err != nil {
		return nil, blame(err)
	}
	return UpdateWebhook200JSONResponse{WebhookID: r.WebhookID, Replayed: replayed}, nil
}

// RotateWebhookSecret makes a new secret and shows it in this one answer.
func (a *API) RotateWebhookSecret(ctx context.Context, r RotateWebhookSecretRequestObject) (RotateWebhookSecretResponseObject, error) {
	hooks, q, err := a.hooks(ctx, r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	grace := webhook.DefaultGrace
	if given := r.Body.GraceSeconds; given != nil {
		if most := int64(webhook.MaxGrace / time.Second); *given < 0 || *given > most {
			return nil, domain.Errorf(domain.CodeInvalid, "grace_seconds is between 0 and %d", most).With("member", "/grace_seconds")
		}
		grace = time.Duration(*given) * time.Second
	}
	rotated, err := hooks.Rotate(ctx, q, r.WebhookID, grace)
	if err != nil {
		return nil, blame(err)
	}
	answer := RotateWebhookSecret200JSONResponse{WebhookID: rotated.ID, Secret: rotated.Secret}
	if until := rotated.OldSecretUntil; !until.IsZero() {
		answer.OldSecretUntil = &until
	}
	return answer, nil
}

// DeleteWebhook erases a webhook.
func (a *API) DeleteWebhook(ctx context.Context, r DeleteWebhookRequestObject) (DeleteWebhookResponseObject, error) {
	hooks, q, err := a.hooks(ctx, r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	replayed, err := hooks.Delete(ctx, q, r.WebhookID)
	if err != nil {
		return nil, err
	}
	return DeleteWebhook200JSONResponse{WebhookID: r.WebhookID, Replayed: replayed}, nil
}

// PingWebhook makes a test delivery.
func (a *API) PingWebhook(ctx context.Context, r PingWebhookRequestObject) (PingWebhookResponseObject, error) {
	hooks, q, err := a.hooks(ctx, r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	d, replayed, err := hooks.Ping(ctx, q, r.WebhookID)
	if err != nil {
		return nil, err
	}
	return PingWebhook202JSONResponse{WebhookID: r.WebhookID, DeliveryID: d.ID, Replayed: replayed}, nil
}

// ReplayWebhookDelivery makes a delivery due again.
func (a *API) ReplayWebhookDelivery(ctx context.Context, r ReplayWebhookDeliveryRequestObject) (ReplayWebhookDeliveryResponseObject, error) {
	hooks, q, err := a.hooks(ctx, r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	d, replayed, err := hooks.Redeliver(ctx, q, r.WebhookID, r.DeliveryID)
	if err != nil {
		return nil, err
	}
	return ReplayWebhookDelivery202JSONResponse{WebhookID: r.WebhookID, DeliveryID: d.ID, Replayed: replayed}, nil
}

// ReplayWebhook begins the replay of a range.
func (a *API) ReplayWebhook(ctx context.Context, r ReplayWebhookRequestObject) (ReplayWebhookResponseObject, error) {
	hooks, q, err := a.hooks(ctx, r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	want := webhook.RangeRequest{SinceTime: chosen(r.Body.SinceTime), IncludeDelivered: chosen(r.Body.IncludeDelivered)}
	if r.Body.SincePosition != nil {
		since := int64(*r.Body.SincePosition)
		want.SincePosition = &since
	}
	_, replayed, err := hooks.ReplayRange(ctx, q, r.WebhookID, want)
	if err != nil {
		return nil, blame(err)
	}
	return ReplayWebhook202JSONResponse{WebhookID: r.WebhookID, Replayed: replayed}, nil
}
