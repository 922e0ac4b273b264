package chat_test

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/chat"
)

func TestSteering(t *testing.T) {
	t.Parallel()
	var s chat.Steering
	for name, value := range map[string]string{
		"provider": `{"only":["x"]}`, "models": `["a"]`, "route": `"sort"`, "session_id": `"s"`, "usage": `{"include":true}`, "transforms": `["middle-out"]`,
		"plugins": `[{"id":"web","enabled":false}]`, "trace": `{}`, "debug": `{}`, "preset": `"p"`, "drop_unsupported": `true`,
	} {
		require.True(t, chat.Steers([]byte(name)), name)
		require.NoError(t, s.Take(name, jsontext.Value(value)), name)
		require.NoError(t, s.Take(name, jsontext.Value("null")), name)
	}
	require.Equal(t, chat.Steering{
		Provider: jsontext.Value(`{"only":["x"]}`), Models: jsontext.Value(`["a"]`), Route: jsontext.Value(`"sort"`), Opening: []byte(`"s"`),
	}, s)
	for _, name := range []string{"model", "messages", "contents", "input", "Provider", ""} {
		require.False(t, chat.Steers([]byte(name)), name)
	}
}

func TestSteeringThatIsRefused(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, value string }{
		{"plugins", `[{"id":"web"}]`},
		{"plugins", `[{"id":"a","enabled":false},{"id":"b","enabled":true}]`},
		{"plugins", `{"id":"web"}`},
		{"plugins", `7`},
		{"session_id", `7`},
		{"session_id", `"` + strings.Repeat("s", 300) + `"`},
	} {
		err := new(chat.Steering).Take(row.name, jsontext.Value(row.value))
		var e *domain.Error
		require.ErrorAs(t, err, &e, row.value)
		require.Equal(t, domain.CodeInvalid, e.Code)
		require.Equal(t, row.name, e.Details["param"])
	}
}
