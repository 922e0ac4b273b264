package auth

import "net/http"

const (
	signPath  = "/console/v1/auth"
	oauthPath = signPath + "/oauth/{provider}"
	mePath    = "/console/v1/me"
)

// personal are about whoever asks, and need no more than that somebody does.
func personal() []Operation {
	return []Operation{
		{http.MethodPost, signPath + "/sign-up", "SignUp", Anybody},
		{http.MethodPost, signPath + "/verify-email", "VerifyEmail", Anybody},
		{http.MethodPost, signPath + "/sign-in", "SignIn", Anybody},
		{http.MethodGet, signPath + "/challenge", "GetChallenge", Anybody},
		{http.MethodPost, signPath + "/challenge", "AnswerChallenge", Anybody},
		{http.MethodPost, signPath + "/challenge/passkey", "AskChallengePasskey", Anybody},
		{http.MethodPost, signPath + "/challenge/sms", "AskChallengeSMS", Anybody},
		{http.MethodPost, signPath + "/passkey", "AskPasskey", Anybody},
		{http.MethodPost, signPath + "/passkey/sign-in", "SignInWithPasskey", Anybody},
		{http.MethodPost, signPath + "/refresh", "RefreshSession", Anybody},
		{http.MethodPost, signPath + "/sign-out", "SignOut", Anybody},
		{http.MethodPost, signPath + "/sign-out-everywhere", "SignOutEverywhere", Oneself},
		{http.MethodPost, signPath + "/forgot-password", "ForgotPassword", Anybody},
		{http.MethodPost, signPath + "/reset-password", "ResetPassword", Anybody},
		{http.MethodGet, signPath + "/providers", "ListSignInProviders", Anybody},
		{http.MethodGet, oauthPath, "BeginOAuth", Anybody},
		{http.MethodGet, oauthPath + "/callback", "FinishOAuth", Anybody},
		{http.MethodPost, oauthPath + "/callback", "FinishOAuthByForm", Anybody},
		{http.MethodPost, oauthPath + "/logout", "LogOutByService", Anybody},
		{http.MethodPost, signPath + "/sso", "BeginSSO", Anybody},
		{http.MethodPost, signPath + "/apps/authorize", "AuthorizeApp", Oneself},
		{http.MethodGet, mePath + "/identities", "ListIdentities", Oneself},
		{http.MethodPost, mePath + "/identities", "LinkIdentity", Oneself},
		{http.MethodPost, mePath + "/identities/claim", "ClaimIdentity", Oneself},
		{http.MethodPost, mePath + "/identities/confirm", "ConfirmIdentity", Oneself},
		{http.MethodDelete, mePath + "/identities/{identity_id}", "UnlinkIdentity", Oneself},
		{http.MethodGet, mePath, "GetMe", Oneself},
		{http.MethodPatch, mePath, "UpdateMe", Oneself},
		{http.MethodDelete, mePath, "EraseMe", Oneself},
		{http.MethodGet, mePath + "/export", "ExportMe", Oneself},
		{http.MethodPost, mePath + "/password", "ChangePassword", Oneself},
		{http.MethodPost, mePath + "/email", "ChangeEmail", Oneself},
		{http.MethodPost, mePath + "/email/confirm", "ConfirmEmail", Oneself},
		{http.MethodGet, mePath + "/activity", "ListMyActivity", Oneself},
		{http.MethodGet, mePath + "/sessions", "ListSessions", Oneself},
		{http.MethodDelete, mePath + "/sessions/{session_id}", "EndSession", Oneself},
		{http.MethodGet, mePath + "/factors", "GetFactors", Oneself},
		{http.MethodPost, mePath + "/step-up", "StepUp", Oneself},
		{http.MethodPost, mePath + "/totp", "BeginTOTP", Oneself},
		{http.MethodDelete, mePath + "/totp", "RemoveTOTP", Oneself},
		{http.MethodPost, mePath + "/totp/confirm", "ConfirmTOTP", Oneself},
		{http.MethodGet, mePath + "/phone", "GetPhone", Oneself},
		{http.MethodPut, mePath + "/phone", "SetPhone", Oneself},
		{http.MethodDelete, mePath + "/phone", "RemovePhone", Oneself},
		{http.MethodPost, mePath + "/phone/confirm", "ConfirmPhone", Oneself},
		{http.MethodPost, mePath + "/recovery-codes", "RenewRecoveryCodes", Oneself},
		{http.MethodPost, mePath + "/passkeys", "AddPasskey", Oneself},
		{http.MethodPost, mePath + "/passkeys/options", "AskNewPasskey", Oneself},
		{http.MethodPatch, mePath + "/passkeys/{passkey_id}", "RenamePasskey", Oneself},
		{http.MethodDelete, mePath + "/passkeys/{passkey_id}", "RemovePasskey", Oneself},
	}
}
