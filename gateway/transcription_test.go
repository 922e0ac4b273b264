package gateway_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/textproto"
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

// listener is a model that writes sound down, charged by the token.
func listener(k *gatewaytest.Kit, vendor, controls string) string {
	return k.Does(k.ModelAt(vendor, controls, priced(k, map[usage.Class]string{usage.AudioInput: "0.000006"})), "transcription")
}

// whisper is a model that writes sound down, charged by the second.
func whisper(k *gatewaytest.Kit, vendor, controls string) string {
	price := k.Price()
	price.Price.Base = byPiece(k, usage.Second, "0.0001")
	model := k.Does(k.ModelAt(vendor, "", price), "transcription")
	name := "whisper-1"
	if controls != "" {
		name += "?" + controls
	}
	k.Catalog.Change(upstream(model+"@"+vendor, name))
	return model
}

// wav is so many milliseconds of silence: 8,000 samples a second, of one byte.
func wav(milliseconds int) []byte {
	n := 8 * milliseconds
	b := append([]byte("RIFF"), binary.LittleEndian.AppendUint32(nil, uint32(36+n))...)
	b = append(b, "WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x40\x1f\x00\x00\x01\x00\x08\x00data"...)
	b = binary.LittleEndian.AppendUint32(b, uint32(n))
	return append(b, bytes.Repeat([]byte{0x80}, n)...)
}

// hear is a form with a file and fields, name and value in turns.
func hear(t *testing.T, model, name string, file []byte, fields ...string) exchange.Incoming {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	h := textproto.MIMEHeader{}
	h.Set("Content-Disposition", fmt.Sprintf(`form-data; name="file"; filename=%q`, name))
	h.Set("Content-Type", "audio/wav")
	part, err := w.CreatePart(h)
	require.NoError(t, err)
	_, err = part.Write(file)
	require.NoError(t, err)
	for i := 0; i+1 < len(fields); i += 2 {
		require.NoError(t, w.WriteField(fields[i], fields[i+1]))
	}
	require.NoError(t, w.WriteField("model", model))
	require.NoError(t, w.Close())
	return exchange.Incoming{Dialect: chat.OpenAI, Operation: exchange.Transcription, Body: body.Bytes(), Boundary: w.Boundary()}
}

// TestTranscriptionsAreChargedBySeconds, of which a begun one is whole; the hold is for what the file can have.
func TestTranscriptionsAreChargedBySeconds(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"json", "verbose_json"} {
		k := gatewaytest.New(t, hasty)
		c, err := doEmbed(t, k, hear(t, whisper(k, gatewaytest.Canceller, ""), "speech.WAV", wav(7500), "response_format", format, "language", "en", "timestamp_granularities[]", "word", "timestamp_granularities[]", "segment"))
		require.NoError(t, err)
		charged := k.Only()
		require.Equal(t, usage.Usage{usage.Second: 8, usage.Request: 1}, charged.Usage)
		require.Equal(t, usage.Reported, charged.Provenance)
		require.False(t, charged.Call.Suspect)
		require.Equal(t, "0.0008", charged.Charge.String())
		require.Equal(t, sim.Usage{Seconds: 8}, k.Sim.Totals().Reported)
		require.Equal(t, "0.0008", k.History().Placed[0].Amount.String())
		answer := decode(t, c.Body())
		require.Len(t, strings.Fields(word(answer["text"])), 16)
		told := object(answer["usage"])
		require.Equal(t, [3]string{"duration", "8", "0.0008"}, [3]string{word(told["type"]), number(told["seconds"]), number(told["cost"])})
		require.Empty(t, c.Media())
	}
}

// TestTranscriptionsAreChargedByTokens, whole and as a stream.
func TestTranscriptionsAreChargedByTokens(t *testing.T) {
	t.Parallel()
	for _, stream := range []string{"false", "true"} {
		k := gatewaytest.New(t, hasty)
		c, err := doEmbed(t, k, hear(t, listener(k, gatewaytest.Canceller, "tokens=9"), "a.mp3", make([]byte, 40_000), "stream", stream, "prompt", "Names: Zoë."))
		require.NoError(t, err)
		charged, truth := k.Only(), k.Sim.Totals().Reported
		require.Equal(t, sim.Usage{Prompt: 103, Sound: 100, Completion: 9}, truth)
		require.Equal(t, usage.Usage{usage.Input: 3, usage.AudioInput: 100, usage.Output: 9, usage.Request: 1}, charged.Usage)
		require.Equal(t, usage.Reported, charged.Provenance)
		require.False(t, charged.Call.Suspect)
		text := c.Body()
		if stream == "true" {
			events := strings.Split(strings.TrimSuffix(text, "\n\n"), "\n\n")
			require.Len(t, events, 10)
			_, text, _ = strings.Cut(events[9], "data: ")
		}
		answer := decode(t, text)
		require.Len(t, strings.Fields(word(answer["text"])), 9)
		told := object(answer["usage"])
		require.Equal(t, [3]string{"tokens", "103", "9"}, [3]string{word(told["type"]), number(told["input_tokens"]), number(told["output_tokens"])})
		require.Equal(t, charged.Charge.String(), number(told["cost"]))
		require.Equal(t, stream == "true", charged.Call.Streamed)
	}
}

// TestTranscriptionsAsText say no usage: the file does, and nobody wonders at it.
func TestTranscriptionsAsText(t *testing.T) {
	t.Parallel()
	for format, media := range map[string]string{"text": "text/plain; charset=utf-8", "srt": "text/plain; charset=utf-8", "vtt": "text/vtt; charset=utf-8"} {
		k := gatewaytest.New(t, hasty)
		c, err := doEmbed(t, k, hear(t, whisper(k, gatewaytest.Canceller, "tokens=5"), "a.wav", wav(12_000), "response_format", format))
		require.NoError(t, err)
		require.Equal(t, media, c.Media())
		require.NotContains(t, c.Body(), "{")
		charged := k.Only()
		require.Equal(t, usage.Estimated, charged.Provenance)
		require.False(t, charged.Call.Suspect)
		require.EqualValues(t, 12, charged.Usage[usage.Second])
		require.Equal(t, k.Sim.Totals().Unreported.Seconds, charged.Usage[usage.Second])
		require.Equal(t, "0.0012", charged.Charge.String())
	}
}

// TestTranscriptionFaults: a status for the caller, and a hold that is released.
func TestTranscriptionFaults(t *testing.T) {
	t.Parallel()
	for fault, want := range map[string]domain.Code{
		"400": gateway.CodeVendorRefused, "500": gateway.CodeVendorError, "503&retry_after=60": gateway.CodeVendorOverloaded, "malformed&variant=html": gateway.CodeVendorError,
		"cut": gateway.CodeVendorError, "error_in_stream": gateway.CodeVendorError, "gzip_bomb": gateway.CodeVendorError, "timeout_before": gateway.CodeVendorTimeout,
	} {
		for _, format := range []string{"json", "text", "stream"} {
			t.Run(fault+" "+format, func(t *testing.T) {
				t.Parallel()
				k := gatewaytest.New(t, hasty, patience(fault))
				in := hear(t, whisper(k, gatewaytest.Canceller, "fault="+fault), "a.wav", wav(1000), "response_format", format)
				if format == "stream" {
					controls := "fault=" + fault
					if fault == "cut" || fault == "error_in_stream" {
						controls += "&after=0"
					}
					in = hear(t, listener(k, gatewaytest.Canceller, controls), "a.wav", wav(1000), "stream", "true")
				}
				_, err := doEmbed(t, k, in)
				require.Equal(t, want, domain.CodeOf(err), "%v", err)
				require.Equal(t, string(want), k.OnlyReleased().Reason)
			})
		}
	}
}

// TestTranscriptionsWithoutATrueUsage are estimated by the file, and looked at.
func TestTranscriptionsWithoutATrueUsage(t *testing.T) {
	t.Parallel()
	for _, controls := range []string{"fault=no_usage", "fault=absurd_usage&variant=negative", "fault=absurd_usage&variant=huge", "fault=absurd_usage&variant=string"} {
		t.Run(controls, func(t *testing.T) {
			t.Parallel()
			k := gatewaytest.New(t, hasty)
			_, err := doEmbed(t, k, hear(t, whisper(k, gatewaytest.Canceller, controls), "a.wav", wav(2500)))
			require.NoError(t, err)
			charged := k.Only()
			require.Equal(t, usage.Estimated, charged.Provenance)
			require.True(t, charged.Call.Suspect)
			require.EqualValues(t, 3, charged.Usage[usage.Second])

			k = gatewaytest.New(t, hasty)
			_, err = doEmbed(t, k, hear(t, listener(k, gatewaytest.Canceller, controls+"&tokens=7"), "a.wav", wav(2500), "stream", "true"))
			require.NoError(t, err)
			charged = k.Only()
			require.Equal(t, usage.Estimated, charged.Provenance)
			require.True(t, charged.Call.Suspect)
			require.EqualValues(t, 3*17, charged.Usage[usage.AudioInput])
			require.EqualValues(t, 7, charged.Usage[usage.Output])
		})
	}
}

// TestMoreSecondsThanHeldFor are charged as the vendor says, from what is available, and looked at.
func TestMoreSecondsThanHeldFor(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty)
	model := whisper(k, gatewaytest.Canceller, "")
	answering(k, `{"text":"a","usage":{"type":"duration","seconds":5000}}`)
	call, c := k.Call(""), gatewaytest.NewClient()
	call.WalletID, call.KeyID, call.Secret = k.Customer("0.2")
	call.Incoming = hear(t, model, "a.flac", make([]byte, 500_000))
	require.NoError(t, k.Gateway.Complete(t.Context(), call, c))
	h := k.HistoryOf(call.WalletID)
	require.Len(t, h.Charged, 1)
	require.Equal(t, "0.1", h.Placed[0].Amount.String(), "1,000 seconds at 500 bytes")
	require.Equal(t, "0.5", h.Charged[0].Charge.String())
	require.True(t, h.Charged[0].Call.Suspect)
	require.GreaterOrEqual(t, h.State.Available().Sign(), 0, "never below zero")
}

// TestWhoLeavesATranscriptionPaysForWhatWasHeard.
func TestWhoLeavesATranscriptionPaysForWhatWasHeard(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty)
	call, c := k.Call(""), gatewaytest.NewClient()
	call.Incoming = hear(t, listener(k, gatewaytest.Canceller, "tokens=1000&between=2ms"), "a.wav", wav(3000), "stream", "true")
	c.OnWrite = func(string) error { return errors.New("enough") }
	require.NoError(t, k.Gateway.Complete(t.Context(), call, c))
	charged := k.Only()
	require.True(t, charged.Call.Cancelled)
	require.EqualValues(t, 3*17, charged.Usage[usage.AudioInput])
	require.Positive(t, charged.Usage[usage.Output])
}

// TestTranscriptionsGoToWhoeverCan: another vendor when the first one fails; nobody when no vendor of the model has this form.
func TestTranscriptionsGoToWhoeverCan(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty)
	model := listener(k, gatewaytest.Canceller, "fault=503&retry_after=60")
	k.Offer(model, gatewaytest.Drainer, "", k.Price())
	_, err := doEmbed(t, k, hear(t, model, "a.wav", wav(500), "provider", `{"order":["acme"]}`))
	require.NoError(t, err)
	h := k.Settled()
	require.Len(t, h.Released, 1)
	require.Equal(t, model+"@"+gatewaytest.Drainer, h.Charged[0].Endpoint)

	k = gatewaytest.New(t, hasty)
	for _, in := range []exchange.Incoming{
		hear(t, listener(k, gatewaytest.Vendor(chat.Gemini), ""), "a.wav", wav(500)), hear(t, k.Model(gatewaytest.Canceller, ""), "a.wav", wav(500)),
		hear(t, speaker(k, gatewaytest.Canceller, ""), "a.wav", wav(500)), speaking(listener(k, gatewaytest.Canceller, ""), spoken),
	} {
		_, err := doEmbed(t, k, in)
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), "%v", err)
	}
	require.Empty(t, k.History().Placed)
}

// TestTheSameTranscriptionAgain: clients choose another boundary for each attempt, which is the same request nevertheless.
func TestTheSameTranscriptionAgain(t *testing.T) {
	t.Parallel()
	kept, cached := newKeeping(t), newRemembering(t)
	for name, k := range map[string]*gatewaytest.Kit{"kept": kept.Kit, "cached": cached.Kit} {
		for i, format := range []string{"text", "json"} {
			model := whisper(k, gatewaytest.Canceller, "")
			call := k.Call("")
			if name == "kept" {
				call.Token = model
			} else {
				call.Cache = &gateway.CacheWish{TTL: cachePatience}
			}
			first, again := gatewaytest.NewClient(), gatewaytest.NewClient()
			call.Incoming = hear(t, model, "a.wav", wav(1500), "response_format", format)
			require.NoError(t, k.Gateway.Complete(t.Context(), call, first))
			if name == "cached" {
				cached.kept(i + 1)
			}
			call.Incoming = hear(t, model, "b.wav", wav(1500), "response_format", format)
			require.NoError(t, k.Gateway.Complete(t.Context(), call, again))
			require.Len(t, k.Settled().Charged, i+1, "charged once")
			require.Equal(t, first.Media(), again.Media())
			require.Equal(t, name == "kept", first.Generation() == again.Generation(), "an answer from the cache has a name of its own")
			if format == "text" || name == "kept" {
				require.Equal(t, first.Body(), again.Body())
			}
			if name == "kept" {
				call.Incoming = hear(t, model, "a.wav", wav(1600), "response_format", format)
				require.Equal(t, domain.CodeIdempotencyConflict, domain.CodeOf(k.Gateway.Complete(t.Context(), call, gatewaytest.NewClient())))
			}
		}
	}
}

// TestWhatAVendorIsSentOfAForm: plain headers, no name of the caller's file, and nothing that is for the gateway.
func TestWhatAVendorIsSentOfAForm(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty)
	model := whisper(k, gatewaytest.Canceller, "")
	var kind, names string
	k.Proxy(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind = r.Header.Get("Content-Type")
		form, err := r.MultipartReader()
		for err == nil {
			var part *multipart.Part
			if part, err = form.NextPart(); err == nil {
				names += part.FormName() + " " + part.FileName() + ";"
			}
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"text":"a","usage":{"type":"duration","seconds":1}}`))
	}))
	in := hear(t, model, `../my "diary".M4A`, wav(500), "provider", `{"allow_fallbacks":false}`, "session_id", `"s"`, "temperature", "0")
	_, err := doEmbed(t, k, in)
	require.NoError(t, err)
	require.Equal(t, "file audio.m4a;temperature ;model ;", names)
	require.True(t, strings.HasPrefix(kind, "multipart/form-data; boundary=massrouter-"), kind)
	require.NotContains(t, kind, in.Boundary)
}
