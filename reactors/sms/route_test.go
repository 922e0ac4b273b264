package sms_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/identity/phone"
	"github.com/massrouter/massrouter/reactors/sms"
)

// named is a provider that is away, and says who was asked.
type named string

func (n named) Send(context.Context, sms.Message) (string, error) { return "", errors.New(string(n)) }

// TestProvidersTakeTurns: Chinese numbers go by one, then the other; all others never by them.
func TestProvidersTakeTurns(t *testing.T) {
	t.Parallel()
	r := sms.Route{China: []sms.Sender{named("first"), named("second")}, World: []sms.Sender{named("world")}}
	asked := func(to phone.Number, attempt int) string {
		_, err := r.Send(t.Context(), sms.Message{To: to, Attempt: attempt})
		return err.Error()
	}
	for attempt, want := range []string{"first", "first", "second", "first", "second", "first"} {
		require.Equal(t, want, asked("+8613800138000", attempt))
		require.Equal(t, "world", asked("+4915123456789", attempt))
	}
	r = sms.Route{}
	require.Contains(t, asked("+4915123456789", 1), "no provider")
}

// TestWhoSendsWhere, by who is there.
func TestWhoSendsWhere(t *testing.T) {
	t.Parallel()
	a, c, w := &sms.Aliyun{}, &sms.Tencent{}, &sms.Twilio{}
	for _, one := range []struct {
		route        sms.Route
		china, world []sms.Sender
	}{
		{sms.NewRoute(a, c, w), []sms.Sender{a, c}, []sms.Sender{w}},
		{sms.NewRoute(a, nil, w), []sms.Sender{a}, []sms.Sender{w}},
		{sms.NewRoute(nil, nil, w), []sms.Sender{w}, []sms.Sender{w}},
		{sms.NewRoute(a, c, nil), []sms.Sender{a, c}, []sms.Sender{a, c}},
		{sms.NewRoute(nil, nil, nil), nil, nil},
	} {
		require.Equal(t, one.china, one.route.China)
		require.Equal(t, one.world, one.route.World)
	}
}
