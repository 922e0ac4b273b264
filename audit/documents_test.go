package audit_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

// TestDocumentsAreThoseOfTheEvent: what is cut out of a stored body is what the decoded event writes again.
func TestDocumentsAreThoseOfTheEvent(t *testing.T) {
	t.Parallel()
	text := func(b []byte, err error) string {
		require.NoError(t, err)
		return string(b)
	}
	events, _ := tellUnits(t)
	charges, releases := 0, 0
	for _, asked := range []bool{true, false} {
		verify(t, events, audit.Options{Documents: asked, Observers: []audit.Observer{watcher(func(s *audit.Step) error {
			d := s.Documents
			if !asked {
				require.Zero(t, d)
				return nil
			}
			switch e := s.Data.(type) {
			case wallet.UsageCharged:
				charges++
				require.Equal(t, text(e.Usage.AppendJSON(nil)), string(d.Usage))
				require.Equal(t, text(usage.AppendJSON(nil, e.LineItems)), string(d.LineItems))
				require.Equal(t, text(e.Call.AppendJSON(nil)), string(d.Call))
			case wallet.HoldReleased:
				releases++
				require.Nil(t, d.LineItems)
				require.Equal(t, len(e.Usage) > 0, d.Usage != nil)
				require.Equal(t, text(e.Call.AppendJSON(nil)), string(d.Call))
			default:
				require.Zero(t, d)
			}
			return nil
		})}})
	}
	require.Positive(t, charges)
	require.Positive(t, releases)
}

// TestTileRootIsThatOfItsLeaves: a tile's root comes from the tree of the log.
func TestTileRootIsThatOfItsLeaves(t *testing.T) {
	t.Parallel()
	events, _ := tell(t)
	tiles, leaves := 0, []byte(nil)
	long := events
	for len(long) < 5*audit.TileWidth+3 { // the order is wrong then, the tree is not
		long = append(long, events...)
	}
	verify(t, long, audit.Options{Observers: []audit.Observer{watcher(func(s *audit.Step) error {
		if leaves = append(leaves, s.Leaf[:]...); len(leaves) == audit.TileWidth*len(s.Leaf) {
			require.Equal(t, audit.HashTile(leaves), s.State.TileRoot())
			tiles, leaves = tiles+1, leaves[:0]
		}
		return nil
	})}})
	require.GreaterOrEqual(t, tiles, 5)
}

// TestDocumentsOfOtherBodies: a call's texts may have anything in them.
func TestDocumentsOfOtherBodies(t *testing.T) {
	t.Parallel()
	events, _ := tell(t)
	for i := range events {
		if events[i].Type != (wallet.UsageCharged{}).EventType() {
			continue
		}
		decoded, err := registry(t).Decode(events[i].Type, events[i].Body)
		require.NoError(t, err)
		charged, ok := decoded.(wallet.UsageCharged)
		require.True(t, ok)
		for _, title := range []string{`}`, `{`, `]},"currency":"`, `}",`, `\`, `\"`, `é<>`, `"`, `,"call":{`} {
			charged.Call.AppTitle, charged.Call.SuspectReason = title, title
			events[i].Body, err = domain.AppendJSON(nil, charged)
			require.NoError(t, err)
			want, err := charged.Call.AppendJSON(nil)
			require.NoError(t, err)
			seen := false
			verify(t, events, audit.Options{Documents: true, Observers: []audit.Observer{watcher(func(s *audit.Step) error {
				if s.Row.Position == events[i].Position {
					seen = true
					require.Equal(t, string(want), string(s.Documents.Call))
				}
				return nil
			})}})
			require.True(t, seen)
		}
		return
	}
	require.Fail(t, "no charge")
}
