package main

import (
	"bufio"
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/database"
	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/postgres"
	"github.com/massrouter/massrouter/http/openapi/client"
	"github.com/massrouter/massrouter/internal/pgtest"
)

// completion is what the journey looks at in an answer, or in the last chunk of a stream.
type completion struct {
	ID      string `json:"id"`
	Choices []struct {
		Message struct {
			Content string `json:"content"`
		} `json:"message"`
	} `json:"choices"`
	Usage struct {
		PromptTokens     int64       `json:"prompt_tokens"`
		CompletionTokens int64       `json:"completion_tokens"`
		Cost             jsonDecimal `json:"cost"`
	} `json:"usage"`
}

// jsonDecimal is a JSON number kept as the text that it is.
type jsonDecimal string

// UnmarshalJSON takes the text over.
func (d *jsonDecimal) UnmarshalJSON(text []byte) error {
	*d = jsonDecimal(bytes.Trim(text, `"`))
	return nil
}

func (d jsonDecimal) amount(t *testing.T) money.Amount {
	t.Helper()
	a, err := money.Parse(string(d))
	require.NoError(t, err)
	return a
}

// The journey of one call, the way that docs/architecture.md walks: request → hold → vendor → charge → projections →
// queries.
func TestJourneyOfOneCall(t *testing.T) {
	t.Parallel()
	for name, stream := range map[string]bool{"whole answer": false, "stream": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, vendor := pgtest.URL(t), vendorServer(t)
			s := serve(t, url, nil)
			s.publish(vendor, "test/thinker", "thinker?tokens=30&reasoning=12&cached=4", tokenRates())
			a := s.open("20")

			// http/inference: the request comes in with the key; gateway/auth knows whose it is.
			sent := s.ask(http.MethodPost, "/v1/chat/completions", a.secret, chat("test/thinker", stream))
			require.Equal(t, http.StatusOK, sent.status, "%s", sent.body)
			generation := sent.header.Get("X-Generation-Id")
			id, err := domain.ParseGenerationID(generation)
			require.NoError(t, err)
			answer := completionOf(t, sent, stream)
			cost := answer.Usage.Cost.amount(t)

			// commands/place_hold.go → domain/wallet/place_hold.go: the most that it can cost was reserved first.
			log := events(t, url)
			hold, charge := findCall(t, log, id.String())
			held := hold.event.(wallet.HoldPlaced)
			require.Equal(t, a.wallet.String(), hold.StreamID.Identity())
			require.Equal(t, a.key, held.KeyID)
			require.Equal(t, "0", held.Entry.Sum().String())
			require.False(t, held.Amount.LessThan(cost))

			// internal/sim: the vendor was called once, and says what it served.
			served := vendor.Totals()
			require.EqualValues(t, 1, served.Completed)
			require.Equal(t, served.Reported.Prompt, answer.Usage.PromptTokens)
			require.Equal(t, served.Reported.Completion, answer.Usage.CompletionTokens)

			// commands/settle_hold.go → domain/wallet/settle_hold.go: what was used was charged, exactly, before the answer ended.
			charged := charge.event.(wallet.UsageCharged)
			require.Greater(t, charge.Position, hold.Position)
			require.Equal(t, usage.Reported, charged.Provenance)
			require.Equal(t, served.Reported.Prompt, charged.Usage.Prompt())
			require.Equal(t, served.Reported.Completion, charged.Usage.Completion())
			require.EqualValues(t, 4, charged.Usage[usage.CacheRead])
			require.EqualValues(t, 12, charged.Usage[usage.Reasoning])
			require.Equal(t, usage.Total(charged.LineItems).String(), charged.Charge.String())
			require.Equal(t, cost.String(), charged.Charge.String(), "the answer says what was charged")
			require.Equal(t, "0", charged.Entry.Sum().String())
			left := money.MustParse("20").Sub(cost)
			require.Equal(t, left.String(), charged.Posted.String())
			require.Equal(t, "0", charged.Held.String())
			require.Equal(t, charge.LeafHash, eventstore.Leaf(&charge.Event), "the leaf is over the stored bytes")

			// projections/*: every read model reaches the charge …
			require.NoError(t, s.WaitFor(t.Context(), charge.Position))
			s.checkConsole(a, generation, left, cost)
			s.checkMetadata(a, generation, left, cost)
		})
	}
}

// checkConsole asks http/query.
func (s *service) checkConsole(a account, generation string, left, cost money.Amount) {
	s.t.Helper()
	w := s.wallet(a)
	require.Equal(s.t, left.String(), w.Posted.String())
	require.Equal(s.t, left.String(), w.Available.String())
	require.Equal(s.t, cost.String(), w.ChargedTotal.String())

	var statement client.StatementPage
	found := s.ask(http.MethodGet, "/console/v1/wallets/"+a.wallet.String()+"/statement", operatorToken, nil)
	require.Equal(s.t, http.StatusOK, found.status, "%s", found.body)
	found.decode(s.t, &statement)
	require.Len(s.t, statement.Items, 2)
	for _, m := range statement.Items {
		require.Equal(s.t, m.BalanceAfter.String(), m.BalanceBefore.Add(m.Amount).String())
		if m.Kind == "charge" {
			require.Equal(s.t, generation, *m.GenerationID)
			require.Equal(s.t, cost.Neg().String(), m.Amount.String())
			require.Equal(s.t, left.String(), m.BalanceAfter.String())
		}
	}

	var receipt client.GenerationAnswer
	found = s.ask(http.MethodGet, "/console/v1/generations/"+generation, operatorToken, nil)
	require.Equal(s.t, http.StatusOK, found.status, "%s", found.body)
	found.decode(s.t, &receipt)
	require.Equal(s.t, generation, receipt.Generation.ID)
	require.Contains(s.t, string(found.body), `"`+cost.String()+`"`)
}

// checkMetadata asks http/inference what a key's owner may know.
func (s *service) checkMetadata(a account, generation string, left, cost money.Amount) {
	s.t.Helper()
	var credits struct {
		Data struct {
			Credits jsonDecimal `json:"total_credits"`
			Usage   jsonDecimal `json:"total_usage"`
		} `json:"data"`
	}
	found := s.ask(http.MethodGet, "/api/v1/credits", a.secret, nil)
	require.Equal(s.t, http.StatusOK, found.status, "%s", found.body)
	found.decode(s.t, &credits)
	require.Equal(s.t, left.String(), credits.Data.Credits.amount(s.t).Sub(credits.Data.Usage.amount(s.t)).String())

	var record struct {
		Data struct {
			ID   string      `json:"id"`
			Cost jsonDecimal `json:"total_cost"`
		} `json:"data"`
	}
	found = s.ask(http.MethodGet, "/api/v1/generation?id="+generation, a.secret, nil)
	require.Equal(s.t, http.StatusOK, found.status, "%s", found.body)
	found.decode(s.t, &record)
	require.Equal(s.t, generation, record.Data.ID)
	require.Equal(s.t, cost.String(), record.Data.Cost.amount(s.t).String())
}

// wallet is the console's answer, once every read model has the end of the log.
func (s *service) wallet(a account) client.Wallet {
	s.t.Helper()
	require.NoError(s.t, s.WaitFor(s.t.Context(), s.head()))
	found := s.ask(http.MethodGet, "/console/v1/wallets/"+a.wallet.String(), operatorToken, nil)
	require.Equal(s.t, http.StatusOK, found.status, "%s", found.body)
	var answer client.WalletAnswer
	found.decode(s.t, &answer)
	return answer.Wallet
}

// completionOf is the answer, or the usage of a stream's last chunk.
func completionOf(t *testing.T, a answered, stream bool) completion {
	t.Helper()
	var c completion
	if !stream {
		a.decode(t, &c)
		require.NotEmpty(t, c.Choices[0].Message.Content)
		return c
	}
	var last string
	lines := bufio.NewScanner(bytes.NewReader(a.body))
	for lines.Scan() {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok && data != "[DONE]" {
			last = data
		}
	}
	require.NoError(t, lines.Err())
	require.True(t, bytes.HasSuffix(a.body, []byte("data: [DONE]\n\n")))
	answered{body: []byte(last)}.decode(t, &c)
	return c
}

// recorded is an event with its decoded body.
type recorded struct {
	eventstore.Event
	event domain.Event
}

// events reads the whole log.
func events(t *testing.T, url string) []recorded {
	t.Helper()
	pool, err := database.Open(t.Context(), url, 2)
	require.NoError(t, err)
	defer pool.Close()
	store, err := postgres.Open(t.Context(), pool, postgres.Options{})
	require.NoError(t, err)
	defer store.Close()
	registry, err := commands.Registry()
	require.NoError(t, err)
	raw, err := eventstore.ReadDense(t.Context(), store, 0, 10_000)
	require.NoError(t, err)
	out := make([]recorded, len(raw))
	for i, e := range raw {
		decoded, err := registry.Decode(e.Type, e.Body)
		require.NoError(t, err)
		out[i] = recorded{Event: e, event: decoded}
	}
	return out
}

// findCall finds the two events of a call.
func findCall(t *testing.T, log []recorded, hold string) (placed, charged recorded) {
	t.Helper()
	for _, r := range log {
		switch e := r.event.(type) {
		case wallet.HoldPlaced:
			if e.HoldID.String() == hold {
				placed = r
			}
		case wallet.UsageCharged:
			if e.HoldID.String() == hold {
				require.Zero(t, charged.Position, "a call is charged once")
				charged = r
			}
		}
	}
	require.NotZero(t, placed.Position)
	require.NotZero(t, charged.Position)
	return placed, charged
}
