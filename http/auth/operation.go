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
	walletPath   = "/console/v1/wallets/{wallet_id}"
	keyPath      = "/console/v1/keys/{key_id}"
	appPath      = "/console/v1/apps/{app_id}"
	modelPath    = "/console/v1/models/{author}/{slug}"
	endpointPath = modelPath + "/endpoints/{vendor}"
	accountPath  = "/console/v1/journal/accounts/{account}"
	presetPath   = "/console/v1/presets/{preset_id}"
	webhookPath  = "/console/v1/webhooks/{webhook_id}"
	deliveryPath = webhookPath + "/deliveries/{delivery_id}"
)

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
	}, slices.Concat(terms(), webhookOperations())...)
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
		{http.MethodPut, walletPath + "/rate-limits", "SetWalletRateLimits", KeysWrite},
		{http.MethodPut, walletPath + "/members/{member_id}/limits", "SetMemberLimits", KeysWrite},
		{http.MethodGet, walletPath + "/members/{member_id}/limits", "GetMemberLimits", KeysRead},
		{http.MethodPut, keyPath + "/member", "SetKeyMember", KeysWrite},
		{http.MethodDelete, keyPath + "/member", "ClearKeyMember", KeysWrite},
		{http.MethodDelete, walletPath + "/price-group", "ClearPriceGroup", CatalogWrite},
	}
}
