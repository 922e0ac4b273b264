package eventstoretest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
)

func poisonCases() []testCase {
	return []testCase{{"poison/one value that cannot be stored", poison}}
}

// rename gives the batch's last stream another id.
func rename(b *eventstore.Batch, id domain.StreamID) {
	b.Streams[len(b.Streams)-1].ID = id
	b.Events[len(b.Events)-1].StreamID = id
}

// poison: the batch has no effect at all, the error is final and blames the batch alone, and the batch without the
// poison goes through.
func poison(t *testing.T, h Harness) {
	last := func(b *eventstore.Batch) *eventstore.Event { return &b.Events[len(b.Events)-1] }
	for _, row := range []struct {
		name  string
		spoil func(*eventstore.Batch)
	}{
		{"stream id with a zero byte", func(b *eventstore.Batch) { rename(b, "test-\x00") }},
		{"stream id that is not UTF-8", func(b *eventstore.Batch) { rename(b, "test-\xff") }},
		{"stream id cut within a character", func(b *eventstore.Batch) { rename(b, "test-\xe2\x82") }},
		{"stream id with a surrogate", func(b *eventstore.Batch) { rename(b, "test-\xed\xa0\x80") }},
		{"stream id too long", func(b *eventstore.Batch) {
			rename(b, domain.StreamID("test-"+strings.Repeat("x", domain.MaxStreamID-4)))
		}},
		{"stream id too long in bytes", func(b *eventstore.Batch) {
			rename(b, domain.StreamID("test-"+strings.Repeat("é", domain.MaxStreamID/2)))
		}},
		{"stream id too short", func(b *eventstore.Batch) { rename(b, "x-") }},
		{"no stream id", func(b *eventstore.Batch) { rename(b, "") }},
		{"type with a zero byte", func(b *eventstore.Batch) { last(b).Type = "test.\x00.v1" }},
		{"type that is not UTF-8", func(b *eventstore.Batch) { last(b).Type = "test.\xc3(.v1" }},
		{"actor with a zero byte", func(b *eventstore.Batch) { last(b).Actor = "key:\x00" }},
		{"actor that is not UTF-8", func(b *eventstore.Batch) { last(b).Actor = "\xf8" }},
		{"body with a zero byte", func(b *eventstore.Batch) { last(b).Body = []byte("{\"a\":\"\x00\"}") }},
		{"body that is not UTF-8", func(b *eventstore.Batch) { last(b).Body = []byte("{\"a\":\"\xc0\x80\"}") }},
		{"outcome with a zero byte", func(b *eventstore.Batch) { b.Commands[1].Outcome = []byte{0} }},
		{"outcome that is not UTF-8", func(b *eventstore.Batch) { b.Commands[1].Outcome = []byte("\"\xfe\"") }},
	} {
		t.Run(row.name, func(t *testing.T) {
			var good *eventstore.Batch
			err := refused(t, h, func(tx decided) *eventstore.Batch {
				good = goodForPoison(t, h.Store, tx)
				bad := goodForPoison(t, h.Store, tx)
				bad.Commands = append(bad.Commands[:0:0], good.Commands...)
				row.spoil(bad)
				return bad
			})
			requireFinal(t, err)
			require.False(t, isConflict(err), "%s", err)
			write(t, h.Store, func(decided) *eventstore.Batch { return good })
		})
	}
}

func isConflict(err error) bool {
	return isAny(err, eventstore.ErrVersionConflict, eventstore.ErrCommandExists)
}

// goodForPoison steps two streams, whose versions it looks up.
func goodForPoison(t *testing.T, s eventstore.Appender, at decided) *eventstore.Batch {
	t.Helper()
	b := &eventstore.Batch{}
	for _, id := range streamIDs("test-a", "test-b") {
		addSteps(at, b, id, int64(len(loadOne(t, s, id).Events)), 1)
	}
	return b
}
