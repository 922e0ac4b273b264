package command

// Bodies makes an empty body of each operation that has one.
func Bodies() map[string]func() any {
	return map[string]func() any{
		"OpenWallet":      func() any { return new(OpenWalletJSONRequestBody) },
		"TopUpWallet":     func() any { return new(TopUpWalletJSONRequestBody) },
		"GrantCredit":     func() any { return new(GrantCreditJSONRequestBody) },
		"AdjustWallet":    func() any { return new(AdjustWalletJSONRequestBody) },
		"ReleaseHold":     func() any { return new(ReleaseHoldJSONRequestBody) },
		"IssueKey":        func() any { return new(IssueKeyJSONRequestBody) },
		"UpdateKey":       func() any { return new(UpdateKeyJSONRequestBody) },
		"RotateKey":       func() any { return new(RotateKeyJSONRequestBody) },
		"DisableKey":      func() any { return new(DisableKeyJSONRequestBody) },
		"RevokeKey":       func() any { return new(RevokeKeyJSONRequestBody) },
		"RegisterApp":     func() any { return new(RegisterAppJSONRequestBody) },
		"UpdateApp":       func() any { return new(UpdateAppJSONRequestBody) },
		"ArchiveApp":      func() any { return new(ArchiveAppJSONRequestBody) },
		"BindApp":         func() any { return new(BindAppJSONRequestBody) },
		"SetPriceGroup":   func() any { return new(SetPriceGroupJSONRequestBody) },
		"SetKeyMember":    func() any { return new(SetKeyMemberJSONRequestBody) },
		"SetMemberLimits": func() any { return new(SetMemberLimitsJSONRequestBody) },

		"SetWalletRateLimits": func() any { return new(SetWalletRateLimitsJSONRequestBody) },

		"SetContentStorage": func() any { return new(SetContentStorageJSONRequestBody) },

		"CreatePreset":    func() any { return new(CreatePresetJSONRequestBody) },
		"CreateVendorKey": func() any { return new(CreateVendorKeyJSONRequestBody) },
		"UpdateVendorKey": func() any { return new(UpdateVendorKeyJSONRequestBody) },
		"ReviewCharge":    func() any { return new(ReviewChargeJSONRequestBody) },
		"PublishVendor":   func() any { return new(PublishVendorJSONRequestBody) },
		"PublishModel":    func() any { return new(PublishModelJSONRequestBody) },
		"PublishEndpoint": func() any { return new(PublishEndpointJSONRequestBody) },
		"PublishPrice":    func() any { return new(PublishPriceJSONRequestBody) },

		"CreateWebhook":       func() any { return new(CreateWebhookJSONRequestBody) },
		"UpdateWebhook":       func() any { return new(UpdateWebhookJSONRequestBody) },
		"RotateWebhookSecret": func() any { return new(RotateWebhookSecretJSONRequestBody) },
		"ReplayWebhook":       func() any { return new(ReplayWebhookJSONRequestBody) },
	}
}
