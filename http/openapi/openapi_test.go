package openapi_test

import (
	"encoding/json"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/openapi"
)

func TestCountIsADecimalString(t *testing.T) {
	t.Parallel()
	for _, n := range []int64{0, 1, 1 << 53, 9223372036854775807} {
		raw, err := json.Marshal(openapi.Count(n))
		require.NoError(t, err)
		require.Equal(t, strconv.Quote(strconv.FormatInt(n, 10)), string(raw))
		var back openapi.Count
		require.NoError(t, json.Unmarshal(raw, &back))
		require.Equal(t, openapi.Count(n), back)
	}
	for _, bad := range []string{"", "-1", "+1", " 1", "1.0", "1e3", "0x1", "９", "9223372036854775808", "00000000000000000001"} {
		c := openapi.Count(7)
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(c.UnmarshalText([]byte(bad))), bad)
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(c.Bind(bad)), bad)
		require.Equal(t, openapi.Count(7), c)
	}
	var c openapi.Count
	require.Error(t, json.Unmarshal([]byte("7"), &c))
}
