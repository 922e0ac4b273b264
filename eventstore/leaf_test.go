package eventstore_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
)

// written is the leaf hash made from the documented format alone, piece by piece.
func written(t require.TestingT, e *eventstore.Event) [32]byte {
	var b bytes.Buffer
	put := func(v any) { require.NoError(t, binary.Write(&b, binary.BigEndian, v)) }
	b.WriteByte(0) // RFC 6962: the prefix of a leaf
	b.WriteByte(1) // the version of the encoding
	put(e.Shard)
	put(e.Position)
	put(e.StreamVersion)
	put(e.SchemaVersion)
	for _, at := range []time.Time{e.RecordedAt, e.EffectiveAt} {
		put(at.Unix()*1_000_000 + int64(at.Nanosecond()/1_000))
	}
	for _, id := range [][16]byte{e.EventID, e.CorrelationID, e.CausationID, e.CommandID, e.Salt} {
		b.Write(id[:])
	}
	for _, text := range []string{string(e.StreamID), e.Type, e.Actor, string(e.Body)} {
		put(uint32(len(text)))
		b.WriteString(text)
	}
	return sha256.Sum256(b.Bytes())
}

type goldenLeaf struct {
	Name                                           string
	Shard, SchemaVersion                           int16
	Position, StreamVersion                        int64
	StreamID, Type, Actor, Body, Salt              string
	RecordedAt, EffectiveAt                        time.Time
	EventID, CorrelationID, CausationID, CommandID uuid.UUID
	LeafHash                                       string
}

func (g *goldenLeaf) event(t *testing.T) *eventstore.Event {
	t.Helper()
	salt, err := hex.DecodeString(g.Salt)
	require.NoError(t, err)
	require.Len(t, salt, 16)
	return &eventstore.Event{
		Shard: g.Shard, Position: g.Position, StreamID: domain.StreamID(g.StreamID), StreamVersion: g.StreamVersion,
		EventID: g.EventID, Type: g.Type, SchemaVersion: g.SchemaVersion, RecordedAt: g.RecordedAt,
		EffectiveAt: g.EffectiveAt, Actor: g.Actor, CorrelationID: g.CorrelationID, CausationID: g.CausationID,
		CommandID: g.CommandID, Salt: [16]byte(salt), Body: []byte(g.Body),
	}
}

func goldenLeaves(t *testing.T) []goldenLeaf {
	t.Helper()
	file, err := os.ReadFile("testdata/leaf.json")
	require.NoError(t, err)
	var leaves []goldenLeaf
	require.NoError(t, json.Unmarshal(file, &leaves))
	require.NotEmpty(t, leaves)
	return leaves
}

// TestLeafIsFrozen: the hashes of published receipts. A change here means a new version of the encoding.
func TestLeafIsFrozen(t *testing.T) {
	t.Parallel()
	for _, g := range goldenLeaves(t) {
		t.Run(g.Name, func(t *testing.T) {
			t.Parallel()
			e := g.event(t)
			hash := eventstore.Leaf(e)
			require.Equal(t, g.LeafHash, hex.EncodeToString(hash[:]))
			hash = written(t, e)
			require.Equal(t, g.LeafHash, hex.EncodeToString(hash[:]))
		})
	}
}

func TestLeafFollowsItsDocument(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.Int64Range(0, 1<<62)
		small := rapid.Int16Min(0)
		at := rapid.Custom(func(t *rapid.T) time.Time {
			return time.Unix(rapid.Int64Range(-1<<36, 1<<38).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns"))
		})
		text := rapid.String()
		id := rapid.Custom(func(t *rapid.T) (id [16]byte) {
			copy(id[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
			return id
		})
		e := &eventstore.Event{
			Shard: small.Draw(t, "shard"), Position: number.Draw(t, "position"), StreamVersion: number.Draw(t, "version"),
			SchemaVersion: small.Draw(t, "schema"), RecordedAt: at.Draw(t, "recorded"), EffectiveAt: at.Draw(t, "effective"),
			EventID: id.Draw(t, "event"), CorrelationID: id.Draw(t, "correlation"), CausationID: id.Draw(t, "causation"),
			CommandID: id.Draw(t, "command"), Salt: id.Draw(t, "salt"), StreamID: domain.StreamID(text.Draw(t, "stream")),
			Type: text.Draw(t, "type"), Actor: text.Draw(t, "actor"), Body: rapid.SliceOf(rapid.Byte()).Draw(t, "body"),
		}
		require.Equal(t, written(t, e), eventstore.Leaf(e))
	})
}

// TestLeafCoversEveryColumn goes through the event's fields by reflection, so a new column cannot be forgotten.
func TestLeafCoversEveryColumn(t *testing.T) {
	t.Parallel()
	kind := reflect.TypeFor[eventstore.Event]()
	for i := range kind.NumField() {
		name := kind.Field(i).Name
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := goldenLeaves(t)[0].event(t)
			before := eventstore.Leaf(e)
			change(t, reflect.ValueOf(e).Elem().Field(i))
			if name == "LeafHash" {
				require.Equal(t, before, eventstore.Leaf(e), "the hash is not of itself")
				return
			}
			require.NotEqual(t, before, eventstore.Leaf(e))
		})
	}
}

// change alters a value as little as its type can.
func change(t *testing.T, v reflect.Value) {
	t.Helper()
	switch x := v.Addr().Interface().(type) {
	case *time.Time:
		*x = x.Add(time.Microsecond)
		return
	case *[]byte:
		*x = append(bytes.Clone(*x), ' ')
		return
	}
	switch v.Kind() {
	case reflect.Int16, reflect.Int64:
		v.SetInt(v.Int() + 1)
	case reflect.String:
		v.SetString(v.String() + " ")
	case reflect.Array:
		last := v.Index(v.Len() - 1)
		last.SetUint(last.Uint() ^ 1)
	default:
		t.Fatalf("a column of kind %s: say here how to change it", v.Kind())
	}
}

// TestLeafKeepsColumnsApart: a byte that moves from the end of one column to the start of the next is another event.
func TestLeafKeepsColumnsApart(t *testing.T) {
	t.Parallel()
	hashes := map[[32]byte]string{}
	for _, split := range [][4]string{
		{"abcd", "", "", ""},
		{"abc", "d", "", ""},
		{"ab", "c", "d", ""},
		{"a", "b", "c", "d"},
		{"", "abcd", "", ""},
		{"", "", "abcd", ""},
		{"", "", "", "abcd"},
		{"", "abc", "d", ""},
		{"", "", "abc", "d"},
	} {
		e := goldenLeaves(t)[0].event(t)
		e.StreamID, e.Type, e.Actor, e.Body = domain.StreamID(split[0]), split[1], split[2], []byte(split[3])
		name := strings.Join(split[:], "|")
		hash := eventstore.Leaf(e)
		require.Empty(t, hashes[hash], "%s hashes as %s", name, hashes[hash])
		hashes[hash] = name
	}
}

// TestLeafIsOfTheStoredTime: the zone and what is below a microsecond are not stored, so they are not hashed.
func TestLeafIsOfTheStoredTime(t *testing.T) {
	t.Parallel()
	e := goldenLeaves(t)[0].event(t)
	want := eventstore.Leaf(e)
	e.RecordedAt = e.RecordedAt.In(time.FixedZone("", -7*3600)).Add(999 * time.Nanosecond)
	e.EffectiveAt = e.EffectiveAt.Local()
	require.Equal(t, want, eventstore.Leaf(e))
	e.RecordedAt = e.RecordedAt.Add(time.Nanosecond)
	require.NotEqual(t, want, eventstore.Leaf(e))
}
