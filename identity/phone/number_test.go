package phone_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/phone"
)

func TestNumbers(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]phone.Number{"+86 138-0013-8000": "+8613800138000", "0041 (44) 668 18 00": "+41446681800", "+15005550006": "+15005550006"} {
		got, err := phone.ParseNumber(typed)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, typed := range []string{"", "13800138000", "+0123456789", "+1234567", "+1234567890123456", "+86138001380a0", "+861380013８000", "+86\r\n13800138000"} {
		_, err := phone.ParseNumber(typed)
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), typed)
	}
	require.True(t, phone.Number("+8613800138000").Chinese())
	require.False(t, phone.Number("+15005550006").Chinese())
	require.Equal(t, "+86*******8000", phone.Number("+8613800138000").Masked())
}
