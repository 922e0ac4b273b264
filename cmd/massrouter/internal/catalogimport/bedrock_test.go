package catalogimport_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/catalogimport"
	"github.com/massrouter/massrouter/domain/catalog"
)

// TestBedrockOfTheRealList: the vendor is one whose calls are signed, and models are called by the profile of its region; where that does not
// follow from the region, the offer is refused.
func TestBedrockOfTheRealList(t *testing.T) {
	t.Parallel()
	list := read(t, realList(t))
	for region, prefix := range map[string]string{"us-east-1": "us.", "eu-central-1": "eu.", "us-gov-west-1": "us-gov.", "ap-south-1": ""} {
		l := newLedger()
		_, err := l.apply(t, list, catalogimport.Options{
			Only: []string{"aws"}, BaseURLs: map[string]string{"aws": "https://bedrock-runtime." + region + ".amazonaws.com"}, MaxOutput: 100,
		})
		require.NoError(t, err)
		v := l.have.Vendors["aws"]
		require.Equal(t, "bedrock", v.Dialect)
		require.Equal(t, catalog.Drain, v.CancelPolicy, "it bills whole answers")
		require.Equal(t, &catalog.Wire{Auth: catalog.AuthSigV4}, v.Wire)
		const haiku = "aws/regional.anthropic.claude-3-haiku-20240307-v1:0@aws"
		e, there := l.have.Endpoints[haiku]
		require.Equal(t, prefix != "", there, region)
		if there {
			require.Equal(t, prefix+"anthropic.claude-3-haiku-20240307-v1:0", e.UpstreamModel)
		}
		require.Equal(t, "amazon.nova-pro-v1:0", l.have.Endpoints["aws/amazon.nova-pro-v1:0@aws"].UpstreamModel)
	}
	l := newLedger()
	o := anywhere
	o.Only = []string{"aws"}
	_, err := l.apply(t, list, o)
	require.NoError(t, err)
	require.Equal(t, "openai", l.have.Vendors["aws"].Dialect, "all to a simulator")
	require.Nil(t, l.have.Vendors["aws"].Wire)
	require.Equal(t, "regional.anthropic.claude-3-haiku-20240307-v1:0", l.have.Endpoints["aws/regional.anthropic.claude-3-haiku-20240307-v1:0@aws"].UpstreamModel)
}
