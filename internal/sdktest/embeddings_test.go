package sdktest

import (
	"context"
	"math/big"
	"net/http"

	"github.com/stretchr/testify/require"
)

// vectors is what a client made of an answer of embeddings.
type vectors struct {
	id      string
	numbers [][]float32 // all clients have them as wider ones, which are to be the same
	// prompt, total and cost are what the client shows of the usage; 0 and "" if it has no place for it.
	prompt, total int64
	cost          string
}

// embedder is a client that can ask for embeddings.
type embedder interface {
	// embed asks for a vector of so many numbers for each text, in each of the ways that the client has; 0 leaves the length to the model.
	embed(ctx context.Context, model string, texts []string, length int) ([]*vectors, error)
}

const (
	shortVector = 96
	usualVector = 1536 // the simulator's, if nothing is said
)

// numbersOf is what the simulator answers who asks it without the product. A text has the same numbers whichever of the vendors is
// asked, so that all clients are held against the same.
func (p *probe) numbersOf(texts []string, length int) [][]float32 {
	p.Helper()
	var answer struct {
		Data []struct{ Embedding []float32 }
	}
	body := map[string]any{"model": embedding, "input": texts, "dimensions": length}
	require.NoError(p, send(http.MethodPost, shared.SimURL+"/v1/embeddings", shared.VendorKey, body, &answer))
	require.Len(p, answer.Data, len(texts))
	var all [][]float32
	for _, d := range answer.Data {
		require.Len(p, d.Embedding, length)
		all = append(all, d.Embedding)
	}
	return all
}

// embeddings: the numbers are the vendor's to the bit, in the order of the texts, and the usage is what the ledger has. Anthropic's
// dialect has no embeddings, and Amazon's has them elsewhere.
func embeddings(p *probe) string {
	client, ok := p.client.(embedder)
	if !ok {
		return noWord
	}
	model := p.vendor.ID + "/" + embedding
	texts := []string{"The first book.", "Another one, on shelf 二."}
	if p.vendor.Dialect == "anthropic" || p.vendor.Dialect == "bedrock" {
		_, err := client.embed(p.Context(), model, texts, 0)
		status, message := p.client.refused(err)
		require.Equal(p, http.StatusBadRequest, status, "%v", err)
		require.Contains(p, message, "has no vendor that can be asked for embeddings")
		require.Equal(p, 1, p.wire.sent(), "the client tried again")
		return refused
	}
	for asked, length := range map[int]int{0: usualVector, shortVector: shortVector} {
		want := p.numbersOf(texts, length)
		require.NotEqual(p, want[0], want[1])
		answers, err := client.embed(p.Context(), model, texts, asked)
		require.NoError(p, err)
		require.NotEmpty(p, answers)
		for _, v := range answers {
			require.Equal(p, want, v.numbers)
			p.embedded(v)
		}
	}
	if p.sdk.closed {
		return byID
	}
	return yes
}

// embedded compares what a client was told of an answer's usage with the ledger.
func (p *probe) embedded(v *vectors) {
	p.Helper()
	require.Regexp(p, `^gen-[0-9a-f-]{36}$`, v.id)
	g, err := generationOf(v.id)
	require.NoError(p, err)
	require.Positive(p, g.Prompt)
	require.Zero(p, g.Completion)
	cost, ok := new(big.Rat).SetString(g.TotalCost.String())
	require.True(p, ok)
	require.Zero(p, cost.Cmp(big.NewRat(g.Prompt, 1e6)), "%s", cost) // see publish
	if p.sdk.closed {
		require.Empty(p, v.cost)
		return
	}
	require.Equal(p, [2]int64{g.Prompt, g.Prompt}, [2]int64{v.prompt, v.total})
	require.Equal(p, g.TotalCost.String(), v.cost)
}
