package signin_test

import (
	"testing"

	"github.com/descope/virtualwebauthn"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/identity/factor"
	"github.com/massrouter/massrouter/identity/passkey"
	"github.com/massrouter/massrouter/identity/signin"
	"github.com/massrouter/massrouter/identity/token"
	"github.com/massrouter/massrouter/internal/passkeytest"
)

// device is a virtual authenticator in a browser at the site.
type device struct {
	t             *testing.T
	authenticator virtualwebauthn.Authenticator
	credential    virtualwebauthn.Credential
	party         virtualwebauthn.RelyingParty
}

// passkey gives the user a passkey.
func (b *bench) passkey() *device {
	b.t.Helper()
	d := &device{
		t: b.t, authenticator: virtualwebauthn.NewAuthenticatorWithOptions(virtualwebauthn.AuthenticatorOptions{UserHandle: b.user[:]}),
		credential: passkeytest.NewCredential(),
		party:      virtualwebauthn.RelyingParty{ID: "massrouter.example", Name: "MassRouter", Origin: origin},
	}
	p := passkey.Person{ID: b.user, Email: email, Name: "Ann"}
	options, ceremony, err := b.passkeys.BeginRegister(b.t.Context(), p)
	require.NoError(b.t, err)
	asked, err := virtualwebauthn.ParseAttestationOptions(string(options))
	require.NoError(b.t, err)
	_, err = b.passkeys.FinishRegister(b.t.Context(), p, ceremony, "laptop", []byte(virtualwebauthn.CreateAttestationResponse(d.party, d.authenticator, d.credential, *asked)))
	require.NoError(b.t, err)
	return d
}

// get answers navigator.credentials.get.
func (d *device) get(options []byte) []byte {
	d.t.Helper()
	asked, err := virtualwebauthn.ParseAssertionOptions(string(options))
	require.NoError(d.t, err)
	d.credential.Counter++
	return []byte(virtualwebauthn.CreateAssertionResponse(d.party, d.authenticator, d.credential, *asked))
}

func TestAPasskeyAsSecondFactor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, _, err := b.AskPasskey(t.Context(), "nothing")
	b.requireCode(signin.CodeOver, err)
	d := b.passkey()
	c := b.challenged(token.Admin)
	require.Equal(t, []factor.Method{factor.Passkey}, c.Methods)
	seen, err := b.Look(t.Context(), c.Secret)
	require.NoError(t, err)
	require.Equal(t, *c, seen)

	options, ceremony, err := b.AskPasskey(t.Context(), c.Secret)
	require.NoError(t, err)
	answer := d.get(options)
	_, err = b.AnswerPasskey(t.Context(), c.Secret, "another", answer, laptop)
	b.requireCode(passkey.CodeWrong, err)
	r, err := b.AnswerPasskey(t.Context(), c.Secret, ceremony, answer, laptop)
	require.NoError(t, err)
	b.requireIn(r, token.Admin, "pwd", "hwk")
	_, err = b.AnswerPasskey(t.Context(), c.Secret, ceremony, answer, laptop)
	b.requireCode(signin.CodeOver, err)
	_, err = b.Look(t.Context(), c.Secret)
	b.requireCode(signin.CodeOver, err)

	again, err := b.StepUp(t.Context(), *r.Session, laptop)
	require.NoError(t, err)
	require.Equal(t, []factor.Method{factor.Passkey}, again.Methods)
	b.step(signin.Fresh)
	b.requireCode(signin.CodeStepUp, b.fresh(r))
	again, err = b.StepUp(t.Context(), *r.Session, laptop)
	require.NoError(t, err)
	options, ceremony, err = b.AskPasskey(t.Context(), again.Secret)
	require.NoError(t, err)
	renewed, err := b.AnswerPasskey(t.Context(), again.Secret, ceremony, d.get(options), laptop)
	require.NoError(t, err)
	b.requireIn(renewed, token.Admin, "hwk", "pwd")
	require.NoError(t, b.fresh(renewed))
	b.requireCode(signin.CodeStepUp, b.fresh(r))
}

func TestTriesWithPasskeysAreCounted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.passkey()
	c := b.challenged(token.Portal)
	for range signin.MaxTries {
		_, err := b.AnswerPasskey(t.Context(), c.Secret, "none", []byte("{}"), laptop)
		b.requireCode(passkey.CodeWrong, err)
	}
	_, err := b.AnswerPasskey(t.Context(), c.Secret, "none", []byte("{}"), laptop)
	b.requireCode(signin.CodeOver, err)
	_, _, err = b.AskPasskey(t.Context(), c.Secret)
	b.requireCode(signin.CodeOver, err)
}

func TestAPasskeyAlone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	d := b.passkey()
	options, ceremony, err := b.AskAnybody(t.Context())
	require.NoError(t, err)
	answer := d.get(options)
	r, err := b.Passkey(t.Context(), token.Admin, ceremony, answer, laptop)
	require.NoError(t, err)
	b.requireIn(r, token.Admin, "hwk")
	_, err = b.Passkey(t.Context(), token.Admin, ceremony, answer, laptop)
	b.requireCode(passkey.CodeWrong, err)

	codes, err := b.factors.RenewRecovery(t.Context(), b.user)
	require.NoError(t, err, "recovery codes stand for passkeys as well")
	c := b.challenged(token.Portal)
	require.Equal(t, []factor.Method{factor.Passkey, factor.Recovery}, c.Methods)
	r, err = b.Answer(t.Context(), c.Secret, factor.Recovery, codes[0], laptop)
	require.NoError(t, err)
	b.requireIn(r, token.Portal, "pwd", "recovery")

	all, err := b.passkeys.List(t.Context(), b.user)
	require.NoError(t, err)
	require.NoError(t, b.passkeys.Rename(t.Context(), b.user, all[0].ID, "phone"))
	require.NoError(t, b.passkeys.Remove(t.Context(), b.user, all[0].ID))
	left, err := b.factors.RecoveryLeft(t.Context(), b.user)
	require.NoError(t, err)
	require.Zero(t, left, "nothing is left that they could stand for")
	r, err = b.Password(t.Context(), token.Portal, email, secret, laptop)
	require.NoError(t, err)
	b.requireIn(r, token.Portal, "pwd")
}
