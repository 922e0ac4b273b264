package auth

import (
	"context"
	"net/http"
	"slices"
)

// Operation is one operation of the console, as the document names it, and the permission that it needs.
type Operation struct {
	Method     string
	Pattern    string
	ID         string
	Permission Permission
}

const (
	walletPath       = "/console/v1/wallets/{wallet_id}"
	keyPath          = "/console/v1/keys/{key_id}"
	appPath          = "/console/v1/apps/{app_id}"
	modelPath        = "/console/v1/models/{author}/{slug}"
	endpointPath     = modelPath + "/endpoints/{vendor}"
	accountPath      = "/console/v1/journal/accounts/{account}"
	presetPath       = "/console/v1/presets/{preset_id}"
	webhookPath      = "/console/v1/webhooks/{webhook_id}"
	contentPath      = "/console/v1/generations/{generation_id}/content"
	approvalPath     = "/console/v1/approvals/{approval_id}"
	organisationPath = "/console/v1/organisations/{organisation_id}"

	// vendorKeyPath is below a wallet's.
	vendorKeyPath = "/vendor-keys/{vendor_key_id}"

	deliveryPath = webhookPath + "/deliveries/{delivery_id}"
)

//go:generate go run ../../internal/permissiondoc -o ../../docs/permissions.md

// Operations is the one table of who may do what. An operation that is not in it is open to nobody.
func Operations() []Operation {
	return append([]Operation{
		{http.MethodPost, "/console/v1/wallets", "OpenWallet", WalletsWrite},
		{http.MethodGet, "/console/v1/wallets", "ListWallets", WalletsRead},
		{http.MethodGet, walletPath, "GetWallet", WalletsRead},
		{http.MethodGet, walletPath + "/statement", "GetStatement", WalletsRead},
		{http.MethodPost, walletPath + "/top-ups", "TopUpWallet", MoneyWrite},
		{http.MethodPost, walletPath + "/grants", "GrantCredit", MoneyWrite},
		{http.MethodPost, walletPath + "/adjustments", "AdjustWallet", MoneyWrite},
		{http.MethodPost, walletPath + "/holds/{hold_id}/release", "ReleaseHold", HoldsWrite},
		{http.MethodPost, walletPath + "/keys", "IssueKey", KeysWrite},
		{http.MethodGet, walletPath + "/keys", "ListKeys", KeysRead},
		{http.MethodGet, keyPath, "GetKey", KeysRead},
		{http.MethodPatch, keyPath, "UpdateKey", KeysWrite},
		{http.MethodPost, keyPath + "/rotate", "RotateKey", KeysWrite},
		{http.MethodPost, keyPath + "/disable", "DisableKey", KeysWrite},
		{http.MethodPost, keyPath + "/enable", "EnableKey", KeysWrite},
		{http.MethodPost, keyPath + "/revoke", "RevokeKey", KeysWrite},
		{http.MethodPut, keyPath + "/app", "BindApp", KeysWrite},
		{http.MethodDelete, keyPath + "/app", "UnbindApp", KeysWrite},
		{http.MethodPost, walletPath + "/apps", "RegisterApp", KeysWrite},
		{http.MethodGet, walletPath + "/apps", "ListApps", KeysRead},
		{http.MethodGet, appPath, "GetApp", KeysRead},
		{http.MethodPut, appPath, "UpdateApp", KeysWrite},
		{http.MethodPost, appPath + "/archive", "ArchiveApp", KeysWrite},
		{http.MethodPost, walletPath + "/presets", "CreatePreset", KeysWrite},
		{http.MethodGet, walletPath + "/presets", "ListPresets", KeysRead},
		{http.MethodPost, walletPath + "/vendor-keys", "CreateVendorKey", KeysWrite},
		{http.MethodGet, walletPath + "/vendor-keys", "ListVendorKeys", KeysRead},
		{http.MethodGet, walletPath + vendorKeyPath, "GetVendorKey", KeysRead},
		{http.MethodPut, walletPath + vendorKeyPath, "UpdateVendorKey", KeysWrite},
		{http.MethodDelete, walletPath + vendorKeyPath, "DeleteVendorKey", KeysWrite},
		{http.MethodGet, presetPath, "GetPreset", KeysRead},
		{http.MethodDelete, presetPath, "ErasePreset", KeysWrite},
		{http.MethodGet, presetPath + "/versions/{version}", "GetPresetVersion", KeysRead},
		{http.MethodPost, presetPath + "/archive", "ArchivePreset", KeysWrite},
		{http.MethodGet, "/console/v1/rankings", "GetRanking", UsageRead},
		{http.MethodGet, "/console/v1/rankings/daily", "GetDailyRanking", UsageRead},
		{http.MethodGet, "/console/v1/vendors", "ListVendors", CatalogRead},
		{http.MethodPut, "/console/v1/vendors/{vendor}", "PublishVendor", CatalogWrite},
		{http.MethodGet, "/console/v1/models", "ListModels", CatalogRead},
		{http.MethodGet, modelPath, "GetModel", CatalogRead},
		{http.MethodPut, modelPath, "PublishModel", CatalogWrite},
		{http.MethodPut, endpointPath, "PublishEndpoint", CatalogWrite},
		{http.MethodPost, endpointPath + "/prices", "PublishPrice", CatalogWrite},
		{http.MethodGet, "/console/v1/generations", "ListGenerations", GenerationsRead},
		{http.MethodGet, "/console/v1/generations/{generation_id}", "GetGeneration", GenerationsRead},
		{http.MethodGet, "/console/v1/usage/aggregate", "AggregateUsage", UsageRead},
		{http.MethodGet, "/console/v1/usage/series", "SeriesUsage", UsageRead},
		{http.MethodGet, "/console/v1/usage/groups", "ListUsageGroups", UsageRead},
		{http.MethodGet, "/console/v1/usage/calls", "ListUsageCalls", GenerationsRead},
		{http.MethodGet, "/console/v1/charges/reviews", "ListChargeReviews", GenerationsRead},
		{http.MethodPost, "/console/v1/charges/{generation_id}/review", "ReviewCharge", MoneyWrite},
		{http.MethodGet, "/console/v1/charges/{generation_id}/receipt", "GetChargeReceipt", GenerationsRead},
	}, slices.Concat(books(), personal(), organisations(), terms(), webhookOperations())...)
}

// books are the journal, what it is made of, and what happens now.
func books() []Operation {
	return []Operation{
		{http.MethodGet, "/console/v1/journal/trial-balance", "GetTrialBalance", JournalRead},
		{http.MethodGet, "/console/v1/journal/entries", "ListJournalEntries", JournalRead},
		{http.MethodGet, accountPath, "GetJournalAccount", JournalRead},
		{http.MethodGet, accountPath + "/ledger", "GetAccountLedger", JournalRead},
		{http.MethodGet, walletPath + "/closes", "ListCloses", JournalRead},
		{http.MethodGet, walletPath + "/closes/{month}", "GetClose", JournalRead},
		{http.MethodGet, walletPath + "/statements/{month}", "GetMonthStatement", JournalRead},
		{http.MethodGet, "/console/v1/projections", "ListProjections", OperationsRead},
		{http.MethodGet, "/console/v1/stream", "StreamUpdates", WalletsRead}, // its lag needs OperationsRead as well
		{http.MethodGet, "/console/v1/ledger/head", "GetLedgerHead", LedgerRead},
		{http.MethodGet, "/console/v1/events", "ListEvents", LedgerRead},
		{http.MethodGet, "/console/v1/audit/entries", "ListAuditEntries", AuditRead},
		{http.MethodGet, "/console/v1/audit/entries/export", "ExportAuditEntries", AuditExport},
	}
}

func organisations() []Operation {
	return []Operation{
		{http.MethodPost, "/console/v1/organisations", "CreateOrganisation", Oneself},
		{http.MethodGet, "/console/v1/organisations", "ListOrganisations", Oneself},
		{http.MethodGet, organisationPath, "GetOrganisation", MembersRead},
		{http.MethodPatch, organisationPath, "RenameOrganisation", MembersWrite},
		{http.MethodDelete, organisationPath, "DeleteOrganisation", OrganisationOwn},
		{http.MethodGet, organisationPath + "/members", "ListMembers", MembersRead},
		{http.MethodPut, organisationPath + "/members/{member_id}", "SetMemberRole", MembersWrite},
		{http.MethodDelete, organisationPath + "/members/{member_id}", "RemoveMember", MembersWrite},
		{http.MethodPost, organisationPath + "/leave", "LeaveOrganisation", MembersRead},
		{http.MethodPut, organisationPath + "/owner", "TransferOwnership", OrganisationOwn},
		{http.MethodPost, organisationPath + "/invitations", "InviteMember", MembersWrite},
		{http.MethodGet, organisationPath + "/invitations", "ListInvitations", MembersRead},
		{http.MethodDelete, organisationPath + "/invitations/{invitation_id}", "WithdrawInvitation", MembersWrite},
		{http.MethodGet, "/console/v1/grants", "ListGrants", GrantsRead},
		{http.MethodPost, "/console/v1/grants", "GrantRole", GrantsWrite},
		{http.MethodDelete, "/console/v1/grants/{grant_id}", "EndGrant", GrantsWrite},
		{http.MethodGet, "/console/v1/approvals", "ListApprovals", ApprovalsRead},
		{http.MethodGet, approvalPath, "GetApproval", ApprovalsRead},
		{http.MethodPost, approvalPath + "/approve", "ApproveRequest", ApprovalsRead},
		{http.MethodPost, approvalPath + "/refuse", "RefuseRequest", ApprovalsRead},
		{http.MethodPost, approvalPath + "/withdraw", "WithdrawRequest", ApprovalsRead},
		{http.MethodGet, organisationPath + "/sso", "GetSSO", MembersRead},
		{http.MethodPut, organisationPath + "/sso", "SetSSO", OrganisationOwn},
		{http.MethodDelete, organisationPath + "/sso", "RemoveSSO", OrganisationOwn},
		{http.MethodPut, organisationPath + "/sso/domains/{domain}", "AddSSODomain", OrganisationOwn},
		{http.MethodDelete, organisationPath + "/sso/domains/{domain}", "RemoveSSODomain", OrganisationOwn},
		{http.MethodPost, organisationPath + "/sso/domains/{domain}/verify", "VerifySSODomain", OrganisationOwn},
		{http.MethodGet, "/console/v1/me/invitations", "ListMyInvitations", Oneself},
		{http.MethodPost, "/console/v1/me/invitations/{invitation_id}/accept", "AcceptInvitation", Oneself},
		{http.MethodPost, "/console/v1/me/invitations/{invitation_id}/decline", "DeclineInvitation", Oneself},
	}
}

func webhookOperations() []Operation {
	return []Operation{
		{http.MethodPost, walletPath + "/webhooks", "CreateWebhook", WebhooksWrite},
		{http.MethodGet, walletPath + "/webhooks", "ListWebhooks", WebhooksRead},
		{http.MethodGet, webhookPath, "GetWebhook", WebhooksRead},
		{http.MethodPut, webhookPath, "UpdateWebhook", WebhooksWrite},
		{http.MethodDelete, webhookPath, "DeleteWebhook", WebhooksWrite},
		{http.MethodPost, webhookPath + "/rotate", "RotateWebhookSecret", WebhooksWrite},
		{http.MethodPost, webhookPath + "/ping", "PingWebhook", WebhooksWrite},
		{http.MethodPost, webhookPath + "/replays", "ReplayWebhook", WebhooksWrite},
		{http.MethodGet, webhookPath + "/deliveries", "ListWebhookDeliveries", WebhooksRead},
		{http.MethodGet, deliveryPath, "GetWebhookDelivery", WebhooksRead},
		{http.MethodPost, deliveryPath + "/replay", "ReplayWebhookDelivery", WebhooksWrite},
	}
}

type operationKey struct{}

func withOperation(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, operationKey{}, id)
}

// OperationOf is the id of the operation that a guarded request is for, "" outside of one.
func OperationOf(ctx context.Context) string {
	id, _ := ctx.Value(operationKey{}).(string)
	return id
}

// terms are about what the calls of a wallet are held to.
func terms() []Operation {
	return []Operation{
		{http.MethodGet, walletPath + "/terms", "GetWalletTerms", WalletsRead},
		{http.MethodPut, walletPath + "/price-group", "SetPriceGroup", CatalogWrite},
		{http.MethodPut, walletPath + "/rate-limits", "SetWalletRateLimits", WalletsWrite},
		{http.MethodGet, walletPath + "/cache-hits", "ListCacheHits", UsageRead},
		{http.MethodPut, walletPath + "/content-storage", "SetContentStorage", ContentsWrite},
		{http.MethodDelete, walletPath + "/contents", "EraseContents", ContentsWrite},
		{http.MethodGet, contentPath, "GetContent", ContentsRead},
		{http.MethodDelete, contentPath, "EraseContent", ContentsWrite},
		{http.MethodPut, walletPath + "/members/{member_id}/limits", "SetMemberLimits", MembersWrite},
		{http.MethodGet, walletPath + "/members/{member_id}/limits", "GetMemberLimits", MembersRead},
		{http.MethodPut, keyPath + "/member", "SetKeyMember", MembersWrite},
		{http.MethodDelete, keyPath + "/member", "ClearKeyMember", MembersWrite},
		{http.MethodDelete, walletPath + "/price-group", "ClearPriceGroup", CatalogWrite},
	}
}
