package gateway_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/gatewaytest"
	"github.com/massrouter/massrouter/internal/sim"
)

// awsSecret is the secret of the access key that the simulator of newBedrock takes, and awsSession the token that goes with it.
const (
	awsSecret  = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" //nolint:gosec // AWS's own example
	awsSession = "FwoGZXIvYXdzEExampleSession"
)

// newBedrock is a kit whose vendor takes one access key, with a session token, for one region; its clock is ahead of ours by so much.
func newBedrock(t *testing.T, ahead time.Duration) (k *gatewaytest.Kit, vendor string) {
	t.Helper()
	k = gatewaytest.New(t, hasty)
	k.Sim.Close()
	k.Sim = sim.New(sim.Options{
		APIKey: gatewaytest.VendorSecret, Now: func() time.Time { return k.Clock.Now().Add(ahead) },
		AccessKey: &sim.AccessKey{ID: sim.SimAccessKey, Secret: awsSecret, Session: awsSession, Region: "eu-central-1"},
	})
	t.Cleanup(k.Sim.Close)
	k.Proxy(k.Sim)
	return k, wired(k, chat.Bedrock, "", catalog.Wire{Auth: catalog.AuthSigV4, Region: "eu-central-1"})
}

// keyed gives the kit's vendors a key.
func keyed(k *gatewaytest.Kit, secret string) {
	k.Options.Credentials = gatewaytest.Accounts{{ID: "bedrock/a", Secret: secret}}
	k.Gateway = k.NewGateway()
}

func awsKey(id, secret, session string) string {
	return fmt.Sprintf(`{"access_key_id":%q,"secret_access_key":%q,"session_token":%q}`, id, secret, session)
}

// TestBedrockIsCalledWithASignature, whatever the model is called: versions have colons, profiles are ARNs with slashes.
func TestBedrockIsCalledWithASignature(t *testing.T) {
	t.Parallel()
	k, vendor := newBedrock(t, 0)
	keyed(k, awsKey(sim.SimAccessKey, awsSecret, awsSession))
	var seen atomic.Value
	k.Proxy(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen.Store(r.RequestURI)
		k.Sim.ServeHTTP(w, r)
	}))
	for upstream, path := range map[string]string{
		"anthropic.claude-v1:0": "/model/anthropic.claude-v1%3A0%3Ftokens%3D3",
		"arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.x-v1:0": "/model/arn%3Aaws%3Abedrock%3Aeu-central-1%3A123456789012%3Ainference-profile%2Feu.x-v1%3A0%3Ftokens%3D3",
	} {
		model := k.Model(vendor, "")
		k.Catalog.Change(func(p *gateway.Picture) {
			e := p.Endpoints[model+"@"+vendor]
			e.UpstreamModel = upstream + "?tokens=3"
			p.Endpoints[e.ID] = e
		})
		for stream, verb := range map[bool]string{false: "/converse", true: "/converse-stream"} {
			call, c := k.Call(""), gatewaytest.NewClient()
			call.WalletID, call.KeyID, call.Secret = k.Customer("1")
			call.Incoming = gatewaytest.Ask(chat.OpenAI, model, stream, 20)
			require.NoError(t, k.Gateway.Complete(t.Context(), call, c), "%s", k.Log)
			require.Equal(t, path+verb, seen.Load())
			charged := k.HistoryOf(call.WalletID).Charged[0]
			require.Equal(t, usage.Reported, charged.Provenance)
			require.Regexp(t, "^00000000-0000-4000-8000-", charged.Call.UpstreamID, "the vendor's own id stands in a header")
		}
	}
	require.NotContains(t, k.Log.String(), awsSecret)
}

// TestBedrocksAPIKeys are sent as a bearer's, where the vendor has no wire of its own.
func TestBedrocksAPIKeys(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty)
	model := k.Model(wired(k, chat.Bedrock, "", catalog.Wire{}), "tokens=3")
	_, err := k.Do(gatewaytest.Body(model, `"max_tokens":5`))
	require.NoError(t, err, "%s", k.Log)
	keyed(k, "another")
	_, err = k.Do(gatewaytest.Body(model, `"max_tokens":5`))
	require.Equal(t, gateway.CodeVendorError, domain.CodeOf(err))
	require.Contains(t, k.Log.String(), "key_not_allowed")
}

// TestBedrocksKeysThatAreRefused are set aside, and nothing of them is told.
func TestBedrocksKeysThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, document := range map[string]string{
		"another id":      awsKey("AKIAANOTHERKEYOFOURS", awsSecret, awsSession),
		"another secret":  awsKey(sim.SimAccessKey, awsSecret+"x", awsSession),
		"another session": awsKey(sim.SimAccessKey, awsSecret, "other"),
		"no session":      fmt.Sprintf(`{"access_key_id":%q,"secret_access_key":%q}`, sim.SimAccessKey, awsSecret),
	} {
		k, vendor := newBedrock(t, 0)
		keyed(k, document)
		var asked atomic.Int64
		k.Proxy(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked.Add(1)
			k.Sim.ServeHTTP(w, r)
		}))
		model := k.Model(vendor, "tokens=3")
		for range 2 {
			_, err := k.Do(gatewaytest.Body(model, `"max_tokens":5`))
			require.Equal(t, gateway.CodeVendorUnavailable, domain.CodeOf(err), "%s: %v", name, err)
			require.NotContains(t, err.Error()+k.Log.String(), awsSecret)
		}
		require.Equal(t, int64(1), asked.Load(), "%s: it is set aside", name)
		require.Equal(t, "100", k.Settled().State.Available().String())
	}
}

// TestAClockThatIsOff: one attempt more, signed by the vendor's clock, and from then on no more of that.
func TestAClockThatIsOff(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{-time.Hour, 20 * time.Minute} {
		k, vendor := newBedrock(t, ahead)
		keyed(k, awsKey(sim.SimAccessKey, awsSecret, awsSession))
		var asked atomic.Int64
		k.Proxy(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked.Add(1)
			k.Sim.ServeHTTP(w, r)
		}))
		model := k.Model(vendor, "tokens=3")
		for want := range 3 {
			_, err := k.Do(gatewaytest.Body(model, `"max_tokens":5`))
			require.NoError(t, err, "%s", k.Log)
			require.Equal(t, int64(want+2), asked.Load())
		}
		require.Len(t, k.Settled().Charged, 3)
	}
}

// TestRetriesAreSignedAnew: the vendor takes no signature twice here, and the second attempt passes.
func TestRetriesAreSignedAnew(t *testing.T) {
	t.Parallel()
	k, vendor := newBedrock(t, 0)
	keyed(k, awsKey(sim.SimAccessKey, awsSecret, awsSession))
	seen := map[string]bool{} // one call at a time
	k.Proxy(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		k.Clock.Step(time.Second)
		if signature := r.Header.Get("Authorization"); seen[signature] {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		seen[r.Header.Get("Authorization")] = true
		k.Sim.ServeHTTP(w, r)
	}))
	_, err := k.Do(gatewaytest.Body(k.Model(vendor, "tokens=3&fault=503&times=1&retry_after=0"), `"max_tokens":5`))
	require.NoError(t, err, "%s", k.Log)
	require.Len(t, seen, 2)
	require.Equal(t, 2, k.Only().Call.Attempts)
}

// TestBedrocksErrors: what each means for the call and for the key, by its class.
func TestBedrocksErrors(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		status        int
		kind, message string
		want          domain.Code
		result        string // in the log, of a key that is set aside
	}{
		"throttled":       {429, "ThrottlingException", "Too many requests, please wait before trying again.", gateway.CodeVendorOverloaded, ""},
		"used up":         {429, "ThrottlingException", "Too many tokens per day, please wait before trying again.", gateway.CodeVendorUnavailable, "quota_exhausted"},
		"quota":           {400, "ServiceQuotaExceededException", "Your request exceeds the service quota for your account.", gateway.CodeVendorUnavailable, "quota_exhausted"},
		"not ready":       {429, "ModelNotReadyException", "The model is not ready.", gateway.CodeVendorOverloaded, ""},
		"denied":          {403, "AccessDeniedException", "You don't have access to the model with the specified model ID.", gateway.CodeVendorError, "key_not_allowed"},
		"not signed well": {403, "InvalidSignatureException", "The request signature we calculated does not match.", gateway.CodeVendorUnavailable, "key_refused"},
		"expired":         {403, "ExpiredTokenException", "The security token included in the request is expired", gateway.CodeVendorUnavailable, "key_refused"},
		"invalid":         {400, "ValidationException", "The maximum tokens you requested exceeds the model limit of 4096.", gateway.CodeVendorRefused, ""},
		"unknown model":   {404, "ResourceNotFoundException", "Could not resolve the foundation model.", gateway.CodeVendorError, ""},
		"slow":            {408, "ModelTimeoutException", "Model processing exceeded the limit.", gateway.CodeVendorTimeout, ""},
		"model":           {424, "ModelErrorException", "The system encountered an error.", gateway.CodeVendorError, ""},
		"internal":        {500, "InternalServerException", "The system encountered an unexpected error.", gateway.CodeVendorError, ""},
		"unavailable":     {503, "ServiceUnavailableException", "Bedrock is unable to process your request.", gateway.CodeVendorOverloaded, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k, vendor := newBedrock(t, 0)
			keyed(k, awsKey(sim.SimAccessKey, awsSecret, awsSession))
			k.Proxy(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				w.Header().Set("X-Amzn-Errortype", row.kind+":http://internal.amazon.com/coral/com.amazon.bedrock/")
				w.Header().Set("X-Amz-Retry-After", "60000")
				w.Header().Set("Date", k.Clock.Now().UTC().Format(http.TimeFormat))
				w.WriteHeader(row.status)
				_, _ = fmt.Fprintf(w, `{"message":%q}`, row.message)
			}))
			_, err := k.Do(gatewaytest.Body(k.Model(vendor, "tokens=3"), `"max_tokens":5`))
			require.Equal(t, row.want, domain.CodeOf(err), "%v", err)
			require.Equal(t, row.want == gateway.CodeVendorRefused, strings.Contains(err.Error(), row.message))
			require.Equal(t, row.result != "", strings.Contains(k.Log.String(), `"result":"`+row.result+`"`) && row.result != "", "%s", k.Log)
			require.Equal(t, string(row.want), k.OnlyReleased().Reason)
		})
	}
}

// TestTheKeyIsNotRepeated: what the vendor says of a request that it does not take may have what was signed in it.
func TestTheKeyIsNotRepeated(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{awsSecret, awsSession, sim.SimAccessKey} {
		k, vendor := newBedrock(t, 0)
		keyed(k, awsKey(sim.SimAccessKey, awsSecret, awsSession))
		k.Proxy(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Amzn-Errortype", "ValidationException")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = fmt.Fprintf(w, `{"message":%q}`, "the canonical request was "+secret)
		}))
		_, err := k.Do(gatewaytest.Body(k.Model(vendor, "tokens=3"), `"max_tokens":5`))
		require.Equal(t, gateway.CodeVendorRefused, domain.CodeOf(err))
		require.NotContains(t, err.Error()+k.Log.String(), secret)
	}
}

// TestABedrockVendorNeedsARegion: without one nobody is called.
func TestABedrockVendorNeedsARegion(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty)
	vendor := wired(k, chat.Bedrock, "", catalog.Wire{Auth: catalog.AuthSigV4})
	keyed(k, awsKey(sim.SimAccessKey, awsSecret, awsSession))
	_, err := k.Do(gatewaytest.Body(k.Model(vendor, "tokens=3"), `"max_tokens":5`))
	require.Equal(t, gateway.CodeVendorUnavailable, domain.CodeOf(err))
	require.Empty(t, k.History().Placed)
	require.Zero(t, k.Sim.Totals().Calls)
}
