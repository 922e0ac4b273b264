package topic_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/kafkatest"
	"github.com/massrouter/massrouter/projections/export/topic"
)

// TestSecureConnections against Kafka's own TLS and SASL: right credentials work; wrong ones, an unknown authority and a missing
// name end the export at once, and no error has the password in it.
func TestSecureConnections(t *testing.T) {
	t.Parallel()
	if kind := kafkatest.Shared(t).Kind(); kind != kafkatest.Jars {
		t.Skip("only Kafka's own process is given a secure listener; here it is", kind)
	}
	broker := kafkatest.Start(t, kafkatest.Options{Secure: true})
	secure := broker.Secure()
	log := inMemory(t, 1)
	right := topic.Connection{
		Brokers: []string{secure.Address}, TLS: true, CAFile: secure.CAFile, SASL: topic.ScramSHA512, User: secure.User, Password: secure.Password,
	}
	for name, c := range map[string]struct {
		change func(*topic.Connection)
		want   string
	}{
		"scram":             {func(*topic.Connection) {}, ""},
		"plain":             {func(c *topic.Connection) { c.SASL = topic.Plain }, ""},
		"wrong password":    {func(c *topic.Connection) { c.Password = "not-" + c.Password }, "SASL Authentication Failed"},
		"wrong user":        {func(c *topic.Connection) { c.SASL, c.User = topic.Plain, "nobody" }, "SASL Authentication Failed"},
		"unknown mechanism": {func(c *topic.Connection) { c.SASL = topic.ScramSHA256 }, "SASL"},
		"unknown authority": {func(c *topic.Connection) { c.CAFile = "" }, "certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(t, broker, broker.Topic(t, 1), log)
			o.Connection = right
			c.change(&o.Connection)
			o.Trouble = func(err error, _ time.Duration) { t.Log(err) }
			_, err := topic.Run(t.Context(), log, o)
			if c.want == "" {
				require.NoError(t, err)
				require.Zero(t, requireLog(t, log, broker.Records(t, o.Topic)))
				return
			}
			require.ErrorIs(t, err, topic.ErrRefused)
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), secure.Password)
		})
	}
}
