package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/kafkatest"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/projections/export/topic"
)

func TestExportKafkaOnceAndAgain(t *testing.T) {
	t.Parallel()
	broker, database := kafkatest.Shared(t), pgtest.URL(t)
	s := serve(t, database, nil)
	s.open("7")
	environ := []string{"DATABASE_URL=" + database, "MASSROUTER_KAFKA_BROKERS=" + broker.Address()}
	name := broker.Name()
	args := []string{"export", "kafka", "--topic", name, "--create-topic", "--partitions", "2", "--json"}
	first := decoded[topic.Result](t, do(t, environ, args...))
	require.EqualValues(t, 3, first.Sent)
	s.open("8")
	second := decoded[topic.Result](t, do(t, environ, args...))
	require.EqualValues(t, 6, second.Position)
	require.EqualValues(t, 3, second.Sent)
	require.Contains(t, do(t, environ, "export", "kafka", "--topic", name, "--brokers", broker.Address()), "to position 6")
	records := broker.Records(t, name)
	require.Len(t, records, 2)
	require.Equal(t, 6, len(records[0])+len(records[1]))

	other := pgtest.URL(t)
	serve(t, other, nil).open("7")
	refused := call(t.Context(), []string{"DATABASE_URL=" + other}, "export", "kafka", "--topic", name, "--brokers", broker.Address())
	require.Equal(t, exitFailure, refused.code)
	require.Contains(t, refused.err, "another")
}

// TestExportKafkaFollows: it sends what comes, tells its state on its own listener, and ends well when it is stopped.
func TestExportKafkaFollows(t *testing.T) {
	t.Parallel()
	broker, database := kafkatest.Start(t, kafkatest.Options{}), pgtest.URL(t)
	s := serve(t, database, nil)
	s.open("7")
	name := broker.Topic(t, 1)
	ctx, cancel := context.WithCancel(t.Context())
	var out bytes.Buffer
	notes := &lineWriter{lines: make(chan string, 1<<10)}
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{
			"export", "kafka", "--topic", name, "--brokers", broker.Address(), "--follow", "--ops-listen", "127.0.0.1:0", "--json",
		}, shell{in: strings.NewReader(""), out: &out, err: notes, environ: []string{"DATABASE_URL=" + database}})
	}()
	line := func(part string) string {
		for {
			select {
			case text := <-notes.lines:
				if strings.Contains(text, part) {
					return text
				}
			case code := <-ended:
				require.Fail(t, "it has ended", "%d %s", code, out.String())
			}
		}
	}
	_, ops, _ := strings.Cut(line("operations on "), "operations on ")
	get := func(path string) (int, string) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, ops+path, http.NoBody)
		require.NoError(t, err)
		answer, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		defer func() { require.NoError(t, answer.Body.Close()) }()
		body, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		return answer.StatusCode, string(body)
	}
	reaches := func(position int) {
		await(t, func() bool {
			_, body := get("/metrics")
			return strings.Contains(body, "massrouter_export_kafka_position "+strconv.Itoa(position)+"\n")
		})
	}
	reaches(3)
	broker.Kill(t)
	s.open("8")
	line("connection refused; trying again")
	code, body := get("/readyz")
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.Contains(t, body, `"failing":true`)
	broker.Restart(t)
	line("takes the export again")
	reaches(6)
	code, body = get("/readyz")
	require.Equal(t, http.StatusOK, code, body)
	cancel()
	require.Equal(t, exitOK, <-ended)
	var result topic.Result
	require.NoError(t, json.Unmarshal(out.Bytes(), &result))
	require.EqualValues(t, 6, result.Position)
	require.Len(t, broker.Records(t, name)[0], 6)
}

func TestExportKafkaChecksItsFlags(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no topic":          {nil, "--topic"},
		"two ends":          {[]string{"--topic", "t", "--follow", "--to", "5"}, "--follow has no end"},
		"no partitions":     {[]string{"--topic", "t", "--create-topic"}, "--partitions"},
		"bad from":          {[]string{"--topic", "t", "--from", "yesterday"}, "--from"},
		"bad to":            {[]string{"--topic", "t", "--to", "0"}, "--to"},
		"no brokers at all": {[]string{"--topic", "t"}, "MASSROUTER_KAFKA_BROKERS"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := call(t.Context(), []string{"DATABASE_URL=postgres://nobody@127.0.0.1:1/x"}, append([]string{"export", "kafka"}, c.args...)...)
			require.Equal(t, exitUsage, got.code, got.err)
			require.Contains(t, got.err, c.want)
		})
	}
	got := call(t.Context(), []string{"DATABASE_URL=postgres://nobody@127.0.0.1:1/x", "MASSROUTER_KAFKA_SASL=plain"}, "export", "kafka", "--topic", "t")
	require.Contains(t, got.err, "MASSROUTER_KAFKA_TLS=true")
	require.Contains(t, got.err, "MASSROUTER_KAFKA_PASSWORD")
}
