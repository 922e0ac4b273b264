package command

import (
	"bytes"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/body"
	"github.com/massrouter/massrouter/http/openapi"
	"github.com/massrouter/massrouter/http/problem"
)

func TestEveryBodyIsCheckedStrictly(t *testing.T) {
	t.Parallel()
	doc, err := openapi3.NewLoader().LoadFromData(openapi.Document())
	require.NoError(t, err)
	documented := map[string]bool{}
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			if slices.Contains(op.Tags, "command") && op.RequestBody != nil {
				documented[op.OperationID] = true
				schema := op.RequestBody.Value.Content.Get("application/json").Schema.Value
				require.Contains(t, Bodies(), op.OperationID)
				requireSameMembers(t, schema, reflect.TypeOf(Bodies()[op.OperationID]()).Elem(), op.OperationID)
			}
		}
	}
	require.Len(t, Bodies(), len(documented))
}

// requireSameMembers compares what the document says of an object with what body.Check takes from the type.
func requireSameMembers(t *testing.T, s *openapi3.Schema, typ reflect.Type, place string) {
	t.Helper()
	if s.AdditionalProperties.Schema != nil || body.Leaf(typ) || typ.Kind() != reflect.Struct {
		return
	}
	require.NotNil(t, s.AdditionalProperties.Has, "%s is open", place)
	require.False(t, *s.AdditionalProperties.Has, "%s is open", place)
	require.Equal(t, len(s.Properties), typ.NumField(), place)
	for i := range typ.NumField() {
		name, required := body.Member(typ.Field(i))
		require.Contains(t, s.Properties, name, place)
		require.Equal(t, slices.Contains(s.Required, name), required, "%s/%s", place, name)
		inner := typ.Field(i).Type
		if inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Slice {
			inner = inner.Elem()
		}
		schema := s.Properties[name].Value
		if schema.Items != nil {
			schema = schema.Items.Value
		}
		if len(schema.OneOf) > 0 {
			schema = schema.OneOf[0].Value
		}
		requireSameMembers(t, schema, inner, place+"/"+name)
	}
}

// FuzzBody: whatever is sent, the answer is a refusal with a known code, or a body that encodes and decodes again.
func FuzzBody(f *testing.F) {
	makers := Bodies()
	operations := slices.Sorted(maps.Keys(makers))
	for i := range operations {
		f.Add(i, []byte(`{"amount":"1","currency":"USD","reason":"r","name":"k","caps":{"day":"1"},"models":null,"expires_at":null}`))
		f.Add(i, []byte(`{"currency":"USD","price":{"base":{"input":"1","output":"2"},"overrides":[{"min_prompt_tokens":1,"rates":{}}]}}`))
		f.Add(i, []byte(`[null,{"a":[]}]`))
	}
	r := httptest.NewRequestWithContext(f.Context(), http.MethodPost, "/", nil)
	r.Header.Set("Content-Type", "application/json")
	f.Fuzz(func(t *testing.T, i int, raw []byte) {
		maker := makers[operations[uint(i)%uint(len(operations))]]
		if err := body.Check(r, raw, maker); err != nil {
			require.Less(t, problem.Status(domain.CodeOf(err)), 500, "%v", err)
			return
		}
		read := maker()
		require.NoError(t, json.Unmarshal(raw, read))
		encoded, err := json.Marshal(read)
		require.NoError(t, err)
		again := maker()
		require.NoError(t, json.Unmarshal(bytes.Clone(encoded), again))
	})
}
