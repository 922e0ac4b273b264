package gateway_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/exchange"
	"github.com/massrouter/massrouter/gateway/gatewaytest"
	"github.com/massrouter/massrouter/internal/sim"
)

// speaker is a model that speaks, charged by the token.
func speaker(k *gatewaytest.Kit, vendor, controls string) string {
	return k.Does(k.ModelAt(vendor, controls, priced(k, map[usage.Class]string{usage.AudioOutput: "0.000012"})), "speech")
}

// reader is a model that speaks, charged by the character.
func reader(k *gatewaytest.Kit, vendor, controls string) string {
	price := k.Price()
	price.Price.Base = byPiece(k, usage.Character, "0.000015")
	model := k.Does(k.ModelAt(vendor, "", price), "speech")
	name := "tts-1"
	if controls != "" {
		name += "?" + controls
	}
	k.Catalog.Change(upstream(model+"@"+vendor, name))
	return model
}

// spoken is what is to be said: 24 characters, of which some have several bytes.
const spoken = "Über den Fluß: 二 Brücken"

func speaking(model, input string, members ...string) exchange.Incoming {
	body := fmt.Sprintf(`{"model":%q,"input":%q,"voice":"alloy"`, model, input)
	for _, m := range members {
		body += "," + m
	}
	return exchange.Incoming{Dialect: chat.OpenAI, Operation: exchange.Speech, Body: []byte(body + "}")}
}

// soundOf is what the simulator says who asks it without the gateway.
func soundOf(t *testing.T, k *gatewaytest.Kit, body string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, k.Vendor.URL+"/v1/audio/speech", strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+gatewaytest.VendorSecret)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { require.NoError(t, resp.Body.Close()) }()
	sound, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode, "%s", sound)
	k.Sim.Reset()
	return string(sound)
}

// sameSound compares without printing what nobody can read.
func sameSound(t *testing.T, want, got string) {
	t.Helper()
	require.True(t, want == got, "%d bytes in place of %d, or others", len(got), len(want)) //nolint:testifylint // see above
}

// TestSpeechIsChargedByCharacters: code points, not bytes; the sound is the vendor's to the bit, in one piece or as it comes.
func TestSpeechIsChargedByCharacters(t *testing.T) {
	t.Parallel()
	for _, times := range []int{1, 100} {
		k := gatewaytest.New(t, hasty)
		text := strings.Repeat(spoken, times)
		want := soundOf(t, k, fmt.Sprintf(`{"model":"tts-1","input":%q,"voice":"alloy","response_format":"flac"}`, text))
		c, err := doEmbed(t, k, speaking(reader(k, gatewaytest.Canceller, ""), text, `"response_format":"flac"`, `"speed":1.25`))
		require.NoError(t, err)
		sameSound(t, want, c.Body())
		require.Equal(t, "audio/flac", c.Media())
		require.Equal(t, times > 1, c.Opened(), "what is long comes as it is made")
		charged := k.Only()
		require.Equal(t, usage.Usage{usage.Character: int64(24 * times), usage.Request: 1}, charged.Usage)
		require.Equal(t, usage.Reported, charged.Provenance)
		require.False(t, charged.Call.Suspect)
		require.False(t, charged.Call.Streamed)
		require.Positive(t, charged.Call.FirstTokenMS)
		require.True(t, charged.Charge.Equal(k.History().Placed[0].Amount), "what is held is what it costs")
		require.Equal(t, sim.Usage{Characters: int64(24 * times)}, k.Sim.Totals().Reported)
	}
}

// TestSpeechIsChargedByTokens: the vendor tells them in events only, so that it is asked for events; the caller gets the sound in them.
func TestSpeechIsChargedByTokens(t *testing.T) {
	t.Parallel()
	for _, form := range []string{"", `"stream_format":"audio"`, `"stream_format": null`} {
		k := gatewaytest.New(t, hasty)
		want := soundOf(t, k, fmt.Sprintf(`{"model":"sim-large","input":%q,"voice":"alloy"}`, spoken))
		members := []string{`"instructions":"Calmly."`}
		if form != "" {
			members = append(members, form)
		}
		c, err := doEmbed(t, k, speaking(speaker(k, gatewaytest.Canceller, ""), spoken, members...))
		require.NoError(t, err)
		sameSound(t, want, c.Body())
		require.Equal(t, "audio/mpeg", c.Media())
		charged, truth := k.Only(), k.Sim.Totals().Reported
		require.Equal(t, sim.Usage{Prompt: 8, Completion: 36, Characters: 24}, truth)
		require.Equal(t, usage.Usage{usage.Input: truth.Prompt, usage.AudioOutput: truth.Completion, usage.Character: 24, usage.Request: 1}, charged.Usage)
		require.Equal(t, usage.Reported, charged.Provenance)
		require.False(t, charged.Call.Suspect)
		require.EqualValues(t, gatewaytest.MaxOutput, k.History().Placed[0].Extra[usage.AudioOutput])
	}
}

// TestSpeechInEvents goes through as it comes; the last event says the cost.
func TestSpeechInEvents(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty)
	want := soundOf(t, k, fmt.Sprintf(`{"model":"sim-large","input":%q,"voice":"alloy"}`, spoken))
	c, err := doEmbed(t, k, speaking(speaker(k, gatewaytest.Canceller, ""), spoken, `"stream_format":"sse"`))
	require.NoError(t, err)
	require.Empty(t, c.Media())
	charged := k.Only()
	require.True(t, charged.Call.Streamed)
	require.EqualValues(t, 36, charged.Usage[usage.AudioOutput])
	var sound []byte
	events := strings.Split(strings.TrimSuffix(c.Body(), "\n\n"), "\n\n")
	require.Len(t, events, 37)
	for i, event := range events {
		_, data, ok := strings.Cut(event, "data: ")
		require.True(t, ok)
		value := decode(t, data)
		if i == 36 {
			require.Equal(t, "speech.audio.done", value["type"])
			require.Equal(t, charged.Charge.String(), number(object(value["usage"])["cost"]))
			require.Equal(t, "36", number(object(value["usage"])["output_tokens"]))
			continue
		}
		sound, err = base64.StdEncoding.AppendDecode(sound, []byte(word(value["audio"])))
		require.NoError(t, err)
	}
	sameSound(t, want, string(sound))
}

// TestSpeechOfAVendorWithoutEvents that is charged by tokens is estimated; that is no fault of the vendor's.
func TestSpeechOfAVendorWithoutEvents(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty)
	model := speaker(k, gatewaytest.Canceller, "")
	k.Proxy(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil && bytes.Contains(body, []byte(`"stream_format":"sse"`)) {
			w.Header().Set("Content-Type", "audio/mpeg")
			_, _ = w.Write([]byte("ID3 some sound"))
			return
		}
		w.WriteHeader(http.StatusTeapot)
	}))
	c, err := doEmbed(t, k, speaking(model, spoken))
	require.NoError(t, err)
	require.Equal(t, "ID3 some sound", c.Body())
	charged := k.Only()
	require.Equal(t, usage.Estimated, charged.Provenance)
	require.False(t, charged.Call.Suspect)
	require.EqualValues(t, 36, charged.Usage[usage.AudioOutput])
	require.EqualValues(t, 24, charged.Usage[usage.Character])
	require.Positive(t, charged.Usage[usage.Input])
}

// TestSpeechFaults: a status for the caller, and a hold that is released.
func TestSpeechFaults(t *testing.T) {
	t.Parallel()
	for fault, want := range map[string]domain.Code{
		"400": gateway.CodeVendorRefused, "500": gateway.CodeVendorError, "503&retry_after=60": gateway.CodeVendorOverloaded, "empty": gateway.CodeVendorError,
		"malformed&variant=html": gateway.CodeVendorError, "cut": gateway.CodeVendorError, "error_in_stream": gateway.CodeVendorError, "gzip_bomb": gateway.CodeVendorError,
		"timeout_before": gateway.CodeVendorTimeout, "timeout_after": gateway.CodeVendorTimeout,
	} {
		for name, ask := range map[string]func(*gatewaytest.Kit) exchange.Incoming{
			"by characters": func(k *gatewaytest.Kit) exchange.Incoming {
				return speaking(reader(k, gatewaytest.Canceller, "fault="+fault), spoken)
			},
			"by tokens": func(k *gatewaytest.Kit) exchange.Incoming {
				return speaking(speaker(k, gatewaytest.Canceller, "fault="+fault), spoken)
			},
		} {
			t.Run(fault+" "+name, func(t *testing.T) {
				t.Parallel()
				k := gatewaytest.New(t, hasty, patience(fault))
				c, err := doEmbed(t, k, ask(k))
				require.Equal(t, want, domain.CodeOf(err), "%v", err)
				require.Equal(t, string(want), k.OnlyReleased().Reason)
				require.Empty(t, c.Body())
				require.False(t, c.WasCut())
			})
		}
	}
}

// TestSoundThatBreaksOff costs nothing, and nobody takes it for a whole: the connection ends.
func TestSoundThatBreaksOff(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"cut&after=60000", "cut&after=60000&variant=close", "malformed&variant=endless&after=60000", "timeout_after&after=60000"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			k := gatewaytest.New(t, hasty, narrow, patience(fault))
			c, err := doEmbed(t, k, speaking(reader(k, gatewaytest.Canceller, "fault="+fault), strings.Repeat(spoken, 100)))
			require.NoError(t, err, "it had begun")
			require.True(t, c.Opened())
			require.True(t, c.WasCut())
			require.NotContains(t, c.Body(), "error")
			require.NotEmpty(t, k.OnlyReleased().Reason)
		})
	}
}

// TestWhoLeavesWithSoundPaysForIt: otherwise all but the last piece would be free.
func TestWhoLeavesWithSoundPaysForIt(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty)
	call, c := k.Call(""), gatewaytest.NewClient()
	call.Incoming = speaking(reader(k, gatewaytest.Canceller, "fault=slow_drip&piece=10000&between=1ms"), strings.Repeat(spoken, 100))
	c.OnWrite = func(string) error { return errors.New("enough") }
	require.NoError(t, k.Gateway.Complete(t.Context(), call, c))
	charged := k.Only()
	require.EqualValues(t, 2400, charged.Usage[usage.Character])
	require.Equal(t, "0.036", charged.Charge.String())
	require.True(t, charged.Call.Cancelled)
	require.False(t, charged.Call.Suspect)
}

// TestSpeechWithoutATrueUsage is estimated, and looked at.
func TestSpeechWithoutATrueUsage(t *testing.T) {
	t.Parallel()
	for _, controls := range []string{"fault=no_usage", "fault=absurd_usage&variant=negative", "fault=absurd_usage&variant=huge", "fault=absurd_usage&variant=total"} {
		for _, form := range []string{"audio", "sse"} {
			t.Run(controls+" "+form, func(t *testing.T) {
				t.Parallel()
				k := gatewaytest.New(t, hasty)
				_, err := doEmbed(t, k, speaking(speaker(k, gatewaytest.Canceller, controls), spoken, `"stream_format":"`+form+`"`))
				require.NoError(t, err)
				charged := k.Only()
				require.Equal(t, usage.Estimated, charged.Provenance)
				require.True(t, charged.Call.Suspect)
				require.EqualValues(t, 36, charged.Usage[usage.AudioOutput])
				require.EqualValues(t, 24, charged.Usage[usage.Character])
			})
		}
	}
}

// TestSpeechGoesToWhoeverCan: another vendor when the first one fails; nobody when no vendor of the model has this form.
func TestSpeechGoesToWhoeverCan(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty)
	model := speaker(k, gatewaytest.Canceller, "fault=503&retry_after=60")
	k.Offer(model, gatewaytest.Drainer, "", k.Price())
	_, err := doEmbed(t, k, speaking(model, spoken, `"provider":{"order":["acme"]}`))
	require.NoError(t, err)
	h := k.Settled()
	require.Len(t, h.Released, 1)
	require.Equal(t, model+"@"+gatewaytest.Drainer, h.Charged[0].Endpoint)

	k = gatewaytest.New(t, hasty)
	for _, in := range []exchange.Incoming{
		speaking(speaker(k, gatewaytest.Vendor(chat.Gemini), ""), spoken), speaking(k.Model(gatewaytest.Canceller, ""), spoken),
		speaking(painter(k, gatewaytest.Canceller, ""), spoken), drawing(speaker(k, gatewaytest.Canceller, "")),
		gatewaytest.Ask(chat.OpenAI, speaker(k, gatewaytest.Canceller, ""), false, 20),
	} {
		_, err := doEmbed(t, k, in)
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), "%v", err)
	}
	require.Empty(t, k.History().Placed)
}

// TestTheSameSpeechAgain: an Idempotency-Key and the cache give the same sound, with its media type, and charge nothing.
func TestTheSameSpeechAgain(t *testing.T) {
	t.Parallel()
	kept, cached := newKeeping(t), newRemembering(t)
	for name, k := range map[string]*gatewaytest.Kit{"kept": kept.Kit, "cached": cached.Kit} {
		for _, model := range []string{reader(k, gatewaytest.Canceller, ""), speaker(k, gatewaytest.Canceller, "")} {
			call := k.Call("")
			call.Incoming = speaking(model, strings.Repeat(spoken, 100), `"response_format":"wav"`)
			if name == "kept" {
				call.Token = model
			} else {
				call.Cache = &gateway.CacheWish{TTL: cachePatience}
			}
			first, again := gatewaytest.NewClient(), gatewaytest.NewClient()
			require.NoError(t, k.Gateway.Complete(t.Context(), call, first))
			charges := len(k.Settled().Charged)
			if name == "cached" {
				cached.kept(charges)
			}
			require.NoError(t, k.Gateway.Complete(t.Context(), call, again))
			require.Len(t, k.Settled().Charged, charges, "charged once")
			sameSound(t, first.Body(), again.Body())
			require.Greater(t, len(again.Body()), 100_000)
			require.Equal(t, "audio/wav", again.Media())
			require.Equal(t, name == "kept", first.Generation() == again.Generation(), "an answer from the cache has a name of its own")
			require.False(t, again.Opened(), "what is there goes out whole")
		}
	}
}
