package query

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/contract"
	"github.com/massrouter/massrouter/http/openapi"
	"github.com/massrouter/massrouter/http/problem"
	"github.com/massrouter/massrouter/reactors/webhook"
)

// Webhooks shows webhooks and their deliveries; see webhook.Registry for the errors. Safe for concurrent use.
type Webhooks interface {
	Webhook(ctx context.Context, id uuid.UUID) (webhook.Webhook, error)
	Webhooks(ctx context.Context, wallet uuid.UUID) ([]webhook.Webhook, error)
	Deliveries(ctx context.Context, id uuid.UUID, q webhook.DeliveriesRequest) (webhook.DeliveryPage, error)
	Delivery(ctx context.Context, webhook, id uuid.UUID) (webhook.Delivery, error)
}

func (a *API) hooks() (Webhooks, error) {
	if a.views.Webhooks == nil {
		return nil, domain.Errorf(problem.CodeNotConfigured, "this service has no webhooks: it needs a key to seal their secrets")
	}
	return a.views.Webhooks, nil
}

// ListWebhooks lists the webhooks of a wallet.
func (a *API) ListWebhooks(ctx context.Context, r ListWebhooksRequestObject) (ListWebhooksResponseObject, error) {
	hooks, err := a.hooks()
	if err != nil {
		return nil, err
	}
	all, err := hooks.Webhooks(ctx, r.WalletID)
	if err != nil {
		return nil, err
	}
	answer := ListWebhooks200JSONResponse{Items: make([]Webhook, len(all))}
	for i := range all {
		answer.Items[i] = hook(&all[i])
	}
	return answer, nil
}

// GetWebhook shows a webhook.
func (a *API) GetWebhook(ctx context.Context, r GetWebhookRequestObject) (GetWebhookResponseObject, error) {
	hooks, err := a.hooks()
	if err != nil {
		return nil, err
	}
	w, err := hooks.Webhook(ctx, r.WebhookID)
	if err != nil {
		return nil, err
	}
	return GetWebhook200JSONResponse{Webhook: hook(&w)}, nil
}

// ListWebhookDeliveries lists deliveries.
func (a *API) ListWebhookDeliveries(ctx context.Context, r ListWebhookDeliveriesRequestObject) (ListWebhookDeliveriesResponseObject, error) {
	hooks, err := a.hooks()
	if err != nil {
		return nil, err
	}
	n, err := contract.Limit(r.Params.Limit, contract.MaxLimit)
	if err != nil {
		return nil, err
	}
	page, err := hooks.Deliveries(ctx, r.WebhookID, webhook.DeliveriesRequest{
		State: chosen(r.Params.State), Type: webhook.Type(chosen(r.Params.Type)), From: chosen(r.Params.From), To: chosen(r.Params.To),
		Cursor: chosen(r.Params.Cursor), Limit: n,
	})
	if err != nil {
		return nil, err
	}
	answer := ListWebhookDeliveries200JSONResponse{Items: make([]WebhookDelivery, len(page.Deliveries)), NextCursor: present(page.NextCursor)}
	for i := range page.Deliveries {
		answer.Items[i] = delivery(&page.Deliveries[i])
	}
	return answer, nil
}

// GetWebhookDelivery shows a delivery with its attempts.
func (a *API) GetWebhookDelivery(ctx context.Context, r GetWebhookDeliveryRequestObject) (GetWebhookDeliveryResponseObject, error) {
	hooks, err := a.hooks()
	if err != nil {
		return nil, err
	}
	d, err := hooks.Delivery(ctx, r.WebhookID, r.DeliveryID)
	if err != nil {
		return nil, err
	}
	answer := GetWebhookDelivery200JSONResponse{Delivery: delivery(&d), Body: string(d.Body), Attempts: make([]WebhookAttempt, len(d.Tried))}
	for i, t := range d.Tried {
		answer.Attempts[i] = WebhookAttempt{
			Number: t.Number, StartedAt: t.StartedAt, DurationMs: t.Took.Milliseconds(), Status: present(t.Status), Error: present(t.Error),
		}
	}
	return answer, nil
}

func hook(w *webhook.Webhook) Webhook {
	answer := Webhook{
		ID: w.ID, WalletID: w.WalletID, Name: w.Name, URL: w.URL, EventTypes: make([]string, len(w.EventTypes)), BalanceThreshold: w.BalanceThreshold,
		Enabled: !w.Disabled, DisabledReason: present(w.DisabledReason), DisabledAt: moment(w.DisabledAt), FromPosition: openapi.Count(w.FromPosition),
		Failures: w.Health.Failures, FailingSince: moment(w.Health.FailingSince), LastSuccessAt: moment(w.Health.LastSuccessAt),
		OldSecretUntil: moment(w.OldSecretUntil), CreatedAt: w.CreatedAt, CreatedBy: w.CreatedBy, UpdatedAt: w.UpdatedAt, UpdatedBy: w.UpdatedBy,
	}
	for i, t := range w.EventTypes {
		answer.EventTypes[i] = string(t)
	}
	if r := w.Replay; r != nil {
		answer.Replay = &WebhookReplay{
			SincePosition: openapi.Count(r.Since), UntilPosition: openapi.Count(r.Until), Position: openapi.Count(r.Position),
			IncludeDelivered: r.IncludeDelivered, Deliveries: openapi.Count(r.Armed), RequestedAt: r.RequestedAt, RequestedBy: r.RequestedBy,
			FinishedAt: moment(r.FinishedAt),
		}
	}
	return answer
}

func delivery(d *webhook.Delivery) WebhookDelivery {
	return WebhookDelivery{
		ID: d.ID, WebhookID: d.WebhookID, Type: string(d.Type), Position: present(openapi.Count(d.Position)), EventAt: d.EventAt, State: d.State,
		Attempts: d.Attempts, NextAttemptAt: moment(d.NextAt), GiveUpAt: d.GiveUpAt, FinishedAt: moment(d.FinishedAt), Status: present(d.Status),
		Error: present(d.Error), ReplayedBy: present(d.ReplayedBy),
	}
}
