package account

import (
	"context"
	"net/http"
	"slices"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/http/problem"
)

// fresh refuses what is dangerous when the caller has shown no factor in the last minutes. Errors: step_up_required.
func (a *API) fresh(ctx context.Context) error {
	actor := auth.From(ctx)
	return a.p.Machine.RequireFresh(ctx, actor.Session, actor.Shown)
}

// dangerous are the operations of other rooms for which a person has to have shown a factor in the last minutes: what gives out secrets or money, or changes prices
// or rights.
func dangerous() []string {
	return []string{
		"IssueKey", "RotateKey", "TopUpWallet", "GrantCredit", "AdjustWallet", "ReviewCharge", "PublishPrice", "PublishVendor", "SetPriceGroup", "ClearPriceGroup", "RotateWebhookSecret",
		"UpdateKey", "EnableKey", "SetKeyMember", "ClearKeyMember", "SetMemberLimits", "CreateWebhook", "UpdateWebhook", "CreateVendorKey", "UpdateVendorKey",
		"ListEvents", "InviteMember", "RemoveMember", "SetMemberRole", "TransferOwnership", "DeleteOrganisation", "GrantRole", "EndGrant", "ApproveRequest", "LinkIdentity", "UnlinkIdentity",
		"SetSSO", "RemoveSSO",
	}
}

// StepUpRequired is for a router on which auth.Guard runs. Programs with the operator token show no factors.
func (a *API) StepUpRequired(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a != nil && a.p != nil && auth.From(r.Context()).Session != uuid.Nil && slices.Contains(dangerous(), auth.OperationOf(r.Context())) {
			if err := a.fresh(r.Context()); err != nil {
				problem.Write(w, r, err)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}
