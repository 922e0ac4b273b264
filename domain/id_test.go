package domain_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
)

func TestStreamID(t *testing.T) {
	t.Parallel()
	id := domain.NewStreamID("endpoint", "open-ai/gpt-5@open-ai")
	require.Equal(t, "endpoint", id.Kind())
	require.Equal(t, "open-ai/gpt-5@open-ai", id.Identity(), "only the first dash divides")
	require.Empty(t, domain.StreamID("wallet").Identity())
}

func TestDerivedIDsAreStableAndOfTheirOwn(t *testing.T) {
	t.Parallel()
	base := uuid.MustParse("019ced0d-1a2b-7e33-b5c4-7d8e9f0a1b03")
	settle := domain.DeriveID(base, "settle")
	require.Equal(t, "019ced0d-1a2b-81b8-9687-601f46220c80", settle.String(), "released ids never change")
	require.Equal(t, base[:6], settle[:6], "they sort by time")
	require.Equal(t, uuid.Version(8), settle.Version())
	require.Equal(t, uuid.RFC4122, settle.Variant())
	seen := map[uuid.UUID]bool{base: true}
	for _, purpose := range []string{"settle", "release", "extend:1", "extend:2", ""} {
		id := domain.DeriveID(base, purpose)
		require.False(t, seen[id])
		seen[id] = true
	}
	require.NotEqual(t, settle, domain.DeriveID(uuid.MustParse("019ced0d-1a2b-7e33-b5c4-7d8e9f0a1b04"), "settle"))
}

func TestIDsOfKeysDependOnTheScope(t *testing.T) {
	t.Parallel()
	id := domain.IDFromKey("POST /wallets operator", "abc")
	require.Equal(t, "baa7dab6-2185-8352-8a46-d4f1bcff6714", id.String(), "released ids never change")
	require.Equal(t, uuid.Version(8), id.Version())
	require.Equal(t, uuid.RFC4122, id.Variant())
	require.Equal(t, id, domain.IDFromKey("POST /wallets operator", "abc"))
	require.NotEqual(t, id, domain.IDFromKey("POST /wallets operato", "rabc"))
	require.NotEqual(t, id, domain.IDFromKey("POST /wallets operator", "abd"))
}

func TestGenerationID(t *testing.T) {
	t.Parallel()
	hold := uuid.MustParse("019ced0d-1a2b-7e33-b5c4-7d8e9f0a1b03")
	public := domain.GenerationID(hold)
	require.Equal(t, "gen-019ced0d-1a2b-7e33-b5c4-7d8e9f0a1b03", public)
	back, err := domain.ParseGenerationID(public)
	require.NoError(t, err)
	require.Equal(t, hold, back)
	for _, bad := range []string{
		"", "gen-", hold.String(), "gen-" + strings.ReplaceAll(hold.String(), "-", ""), "gen-{" + hold.String() + "}",
		"gen-urn:uuid:" + hold.String(), "GEN-" + hold.String(), public + " ", "gen-zzzced0d-1a2b-7e33-b5c4-7d8e9f0a1b03",
	} {
		_, err := domain.ParseGenerationID(bad)
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), bad)
	}
}
