package auth

import (
	"context"
	"net/http"
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
	modelPath    = "/console/v1/models/{author}/{slug}"
	endpointPath = modelPath + "/endpoints/{vendor}"
)

// Operations is the one table of who may do what. An operation that is not in it is open to nobody.
func Operations() []Operation {
	return []Operation{
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
		{http.MethodGet, "/console/v1/vendors", "ListVendors", CatalogRead},
		{http.MethodPut, "/console/v1/vendors/{vendor}", "PublishVendor", CatalogWrite},
		{http.MethodGet, "/console/v1/models", "ListModels", CatalogRead},
		{http.MethodGet, modelPath, "GetModel", CatalogRead},
		{http.MethodPut, modelPath, "PublishModel", CatalogWrite},
		{http.MethodPut, endpointPath, "PublishEndpoint", CatalogWrite},
		{http.MethodPost, endpointPath + "/prices", "PublishPrice", CatalogWrite},
		{http.MethodGet, "/console/v1/generations", "ListGenerations", GenerationsRead},
		{http.MethodGet, "/console/v1/generations/{generation_id}", "GetGeneration", GenerationsRead},
		{http.MethodGet, "/console/v1/ledger/head", "GetLedgerHead", LedgerRead},
		{http.MethodGet, "/console/v1/events", "ListEvents", LedgerRead},
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
