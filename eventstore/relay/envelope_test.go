package relay_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/relay"
)

func drawEvent(t *rapid.T) eventstore.Event {
	moment := rapid.Int64Range(0, 4e15)
	e := eventstore.Event{
		Shard: rapid.Int16Range(0, 99).Draw(t, "shard"), Position: rapid.Int64Min(1).Draw(t, "position"),
		StreamID: domain.StreamID(rapid.String().Draw(t, "stream")), StreamVersion: rapid.Int64Min(1).Draw(t, "version"),
		Type: rapid.String().Draw(t, "type"), SchemaVersion: rapid.Int16Range(0, 99).Draw(t, "schema"),
		RecordedAt: time.UnixMicro(moment.Draw(t, "recorded")).UTC(), EffectiveAt: time.UnixMicro(moment.Draw(t, "effective")).UTC(),
		Actor: rapid.String().Draw(t, "actor"), Body: []byte(rapid.String().Draw(t, "body")),
	}
	for _, id := range []*uuid.UUID{&e.EventID, &e.CorrelationID, &e.CausationID, &e.CommandID} {
		copy(id[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
	}
	copy(e.Salt[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "salt"))
	e.LeafHash = eventstore.Leaf(&e)
	return e
}

func TestPayloadsComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e := drawEvent(t)
		payload, err := relay.Encode(&e)
		require.NoError(t, err)
		require.True(t, json.Valid(payload))
		back, err := relay.Decode(payload)
		require.NoError(t, err)
		require.Equal(t, e, back)
	})
}

func sample() eventstore.Event {
	e := eventstore.Event{
		Position: 7, StreamID: "wallet-a", StreamVersion: 3, EventID: uuid.UUID{1}, Type: "wallet.usage_charged.v1", SchemaVersion: 1,
		RecordedAt: time.Unix(1_700_000_000, 123_456_000).UTC(), EffectiveAt: time.Unix(1_700_000_000, 0).UTC(), Actor: "key:k",
		CommandID: uuid.UUID{2}, Body: []byte(`{"charge":"1.10"}`),
	}
	e.LeafHash = eventstore.Leaf(&e)
	return e
}

func TestTheFormatOfPayloadsStays(t *testing.T) {
	t.Parallel()
	e := sample()
	payload, err := relay.Encode(&e)
	require.NoError(t, err)
	want := `{"shard":0,"position":7,"stream_id":"wallet-a","stream_version":3,"event_id":"01000000-0000-0000-0000-000000000000",` +
		`"type":"wallet.usage_charged.v1","schema_version":1,"recorded_at":"2023-11-14T22:13:20.123456Z","effective_at":"2023-11-14T22:13:20.000000Z",` +
		`"actor":"key:k","correlation_id":"00000000-0000-0000-0000-000000000000","causation_id":"00000000-0000-0000-0000-000000000000",` +
		`"command_id":"02000000-0000-0000-0000-000000000000","salt":"00000000000000000000000000000000","body":"{\"charge\":\"1.10\"}",` +
		`"leaf_hash":"9b18c5030375fd6c095602752f8913bdd26e03e3059f3008c9a1e70a57fd27e9"}`
	require.Equal(t, []byte(want), payload, "byte for byte: %s", payload)
}

func TestWhatIsNoEventIsRefused(t *testing.T) {
	t.Parallel()
	e := sample()
	good, err := relay.Encode(&e)
	require.NoError(t, err)
	change := func(from, to string) []byte {
		changed := bytes.Replace(good, []byte(from), []byte(to), 1)
		require.NotEqual(t, good, changed)
		return changed
	}
	for name, payload := range map[string][]byte{
		"nothing":             nil,
		"no JSON":             []byte("{"),
		"another JSON":        []byte(`[1]`),
		"no address":          []byte(`{}`),
		"no shard":            change(`"shard":0,`, ``),
		"a negative shard":    change(`"shard":0`, `"shard":-1`),
		"position 0":          change(`"position":7`, `"position":0`),
		"a position too long": change(`"position":7`, `"position":99999999999999999999`),
		"another position":    change(`"position":7`, `"position":8`),
		"another body":        change(`1.10`, `9.10`),
		"another time":        change(`123456Z`, `123457Z`),
		"a time that is none": change(`2023-11-14T22`, `2023-99-14T22`),
		"a short salt":        change(`"salt":"00`, `"salt":"`),
		"a salt of letters":   change(`"salt":"00`, `"salt":"zz`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := relay.Decode(payload)
			require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), "%v", err)
		})
	}
	more, err := relay.Decode(change(`{"shard"`, `{"later":{"x":[1]},"shard"`))
	require.NoError(t, err)
	require.Equal(t, e, more, "fields of a later version are passed over")
}

func TestATextThatJSONCannotHoldIsNotChanged(t *testing.T) {
	t.Parallel()
	e := sample()
	e.Body = []byte("\xff")
	_, err := relay.Encode(&e)
	require.ErrorContains(t, err, "position 7")
}

func FuzzDecode(f *testing.F) {
	e := sample()
	good, err := relay.Encode(&e)
	require.NoError(f, err)
	f.Add(good)
	f.Add([]byte(`{"shard":0}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		e, err := relay.Decode(payload)
		if err != nil {
			require.Equal(t, domain.CodeInvalid, domain.CodeOf(err))
			return
		}
		again, err := relay.Encode(&e)
		require.NoError(t, err)
		back, err := relay.Decode(again)
		require.NoError(t, err)
		require.Equal(t, e, back)
	})
}
