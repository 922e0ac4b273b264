package rabbittest_test

import (
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/rabbittest"
)

func TestServerKeepsItsDataThroughAKill(t *testing.T) {
	t.Parallel()
	s := rabbittest.Start(t)
	conn, err := amqp.Dial(s.URL())
	require.NoError(t, err)
	channel, err := conn.Channel()
	require.NoError(t, err)
	_, err = channel.QueueDeclare("kept", true, false, false, false, nil)
	require.NoError(t, err)
	require.NoError(t, channel.Tx())
	require.NoError(t, channel.PublishWithContext(t.Context(), "", "kept", false, false, amqp.Publishing{DeliveryMode: amqp.Persistent, Body: []byte("42")}))
	require.NoError(t, channel.TxCommit())
	s.Kill(t)
	s.Restart(t)
	conn, err = amqp.Dial(s.URL())
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close()) }()
	channel, err = conn.Channel()
	require.NoError(t, err)
	got, ok, err := channel.Get("kept", true)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "42", string(got.Body))
}
