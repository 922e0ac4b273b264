package domain_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
)

func TestCheckText(t *testing.T) {
	t.Parallel()
	for s, fine := range map[string]bool{
		"": true, "plain": true, "Zürich 東京 🚀": true, "a\nb": false, "a\tb": false, "a\x00b": false, "a\x7fb": false,
		"a\u0085b": false, "a\xff": false, "\xed\xa0\x80": false,
	} {
		err := domain.CheckText("name", s)
		require.Equal(t, fine, err == nil, "%q", s)
		if err != nil {
			require.Equal(t, domain.CodeInvalid, domain.CodeOf(err))
			require.ErrorContains(t, err, "name")
		}
	}
	require.NoError(t, domain.CheckTextSize("name", "ü", 1, 2))
	require.Error(t, domain.CheckTextSize("name", "", 1, 2))
	require.Error(t, domain.CheckTextSize("name", "üa", 1, 2))
	require.Error(t, domain.CheckTextSize("name", "\n", 1, 2))
}

func TestMoment(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 4, 1, 2, 3, 4567, time.FixedZone("", 5400))
	require.Equal(t, time.Date(2026, 3, 3, 23, 32, 3, 4000, time.UTC), domain.Moment(at))
	require.Equal(t, time.Time{}, domain.Moment(time.Time{}))
	require.NoError(t, domain.CheckMoment("at", at))
	require.NoError(t, domain.CheckMoment("at", time.Time{}))
	for _, bad := range []time.Time{
		time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(0, 12, 31, 0, 0, 0, 0, time.UTC),
		time.Date(9999, 12, 31, 23, 59, 0, 0, time.FixedZone("", -3600)),
	} {
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(domain.CheckMoment("at", bad)))
	}
}
