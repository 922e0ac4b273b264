package catalogimport_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/catalogimport"
	"github.com/massrouter/massrouter/domain/catalog"
)

const listWithFacts = `{"data":[{"id":"Acme/Open","name":"Open","created":1700000000,"context_length":900,"pricing":{"prompt":"0.000001","completion":"0.000002"},
	"architecture":{"input_modalities":["text"],"output_modalities":["text"],"tokenizer":"GPT","instruct_type":"chatml"},
	"top_provider":{"context_length":900,"max_completion_tokens":100,"is_moderated":true},"supported_parameters":["tools"],
	"canonical_slug":"Acme/open-2026","hugging_face_id":"acme/Open-7B","default_parameters":{"temperature":0.70,"top_p":null,"top_k":40},
	"knowledge_cutoff":"2025-06-30","expiration_date":"2029-01-31","supported_voices":["ada","ada"]}]}`

// TestOpenRouterFacts: what a list says of a model beyond its prices, imported twice, and what it does not say stays.
func TestOpenRouterFacts(t *testing.T) {
	t.Parallel()
	list, err := catalogimport.ReadOpenRouter([]byte(listWithFacts), catalogimport.ReadOptions{BaseURL: "https://list.example/v1"})
	require.NoError(t, err)
	require.Empty(t, list.Refused)
	require.Empty(t, list.Notes)
	facts := catalog.Facts{
		CanonicalSlug: "acme/open-2026", HuggingFaceID: "acme/Open-7B", InstructType: "chatml", KnowledgeCutoff: "2025-06-30", ExpirationDate: "2029-01-31",
		DefaultParameters: catalog.Parameters{"temperature": "0.7", "top_k": "40"}, Voices: []string{"ada"},
	}
	require.Equal(t, facts, list.Offers[0].Facts)

	options := catalogimport.Options{Now: now}
	l := newLedger()
	steps, err := l.apply(t, list, options)
	require.NoError(t, err)
	require.Equal(t, 4, steps)
	require.True(t, l.have.Endpoints["acme/open@openrouter"].Terms.Moderated)
	// What an operator said stays: the list says nothing of it.
	m := l.have.Models["acme/open"]
	m.Facts.Categories, m.Facts.Distillable = []string{"legal"}, true
	l.have.Models["acme/open"] = m
	e := l.have.Endpoints["acme/open@openrouter"]
	e.Terms.Quantization, e.Terms.DataPolicy = "fp8", &catalog.DataPolicy{ZDR: true}
	l.have.Endpoints["acme/open@openrouter"] = e
	steps, err = l.apply(t, list, options)
	require.NoError(t, err)
	require.Zero(t, steps)

	changed := strings.NewReplacer(`"2029-01-31"`, `"2030-01-31"`, `"is_moderated":true`, `"is_moderated":false`, `"hugging_face_id":"acme/Open-7B"`, `"hugging_face_id":null`)
	list, err = catalogimport.ReadOpenRouter([]byte(changed.Replace(listWithFacts)), catalogimport.ReadOptions{BaseURL: "https://list.example/v1"})
	require.NoError(t, err)
	plan, err := catalogimport.NewPlan(list, l.have, options)
	require.NoError(t, err)
	require.Len(t, plan.Steps, 2)
	require.Equal(t, []string{"another set of facts"}, plan.Steps[0].Changes)
	require.Equal(t, "2030-01-31", plan.Steps[0].Model.Facts.ExpirationDate)
	require.Equal(t, "acme/Open-7B", plan.Steps[0].Model.Facts.HuggingFaceID)
	require.Equal(t, []string{"legal"}, plan.Steps[0].Model.Facts.Categories)
	require.Equal(t, []string{"moderated true → false"}, plan.Steps[1].Changes)
	require.Equal(t, "fp8", plan.Steps[1].Endpoint.Terms.Quantization)
}

// TestFactsThatCannotBeExpressed: they cost the model its facts, not its import.
func TestFactsThatCannotBeExpressed(t *testing.T) {
	t.Parallel()
	for _, change := range [][2]string{
		{`"2029-01-31"`, `"next year"`}, {`"temperature":0.70`, `"seed":7`}, {`"chatml"`, `"<script>"`}, {`0.70`, `1e400`},
	} {
		list, err := catalogimport.ReadOpenRouter([]byte(strings.Replace(listWithFacts, change[0], change[1], 1)), catalogimport.ReadOptions{})
		require.NoError(t, err)
		require.Empty(t, list.Refused)
		require.Equal(t, catalog.Facts{}, list.Offers[0].Facts, change[1])
		require.Len(t, list.Notes, 1, change[1])
		require.Contains(t, list.Notes[0].Text, "left out")
	}
}
