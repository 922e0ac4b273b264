package account

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
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/http/body"
	"github.com/massrouter/massrouter/http/openapi"
	"github.com/massrouter/massrouter/http/problem"
)

// TestEveryBodyIsCheckedStrictly: what the document says of an object is what its type takes, so that no member can be smuggled in.
func TestEveryBodyIsCheckedStrictly(t *testing.T) {
	t.Parallel()
	doc, err := openapi3.NewLoader().LoadFromData(openapi.Document())
	require.NoError(t, err)
	documented := 0
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			if !slices.Contains(op.Tags, "account") || op.RequestBody == nil {
				continue
			}
			documented++
			schema := op.RequestBody.Value.Content.Get("application/json").Schema.Value
			require.Contains(t, bodies(), op.OperationID)
			typ := reflect.TypeOf(bodies()[op.OperationID]()).Elem()
			require.False(t, *schema.AdditionalProperties.Has, "%s is open", op.OperationID)
			require.Equal(t, len(schema.Properties), typ.NumField(), op.OperationID)
			for i := range typ.NumField() {
				name, required := body.Member(typ.Field(i))
				require.Contains(t, schema.Properties, name, op.OperationID)
				require.Equal(t, slices.Contains(schema.Required, name), required, "%s/%s", op.OperationID, name)
			}
		}
	}
	require.Len(t, bodies(), documented)
}

// TestWhatIsDangerousIsThere: a name that no operation has would protect nothing.
func TestWhatIsDangerousIsThere(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, op := range auth.Operations() {
		known[op.ID] = true
	}
	for _, id := range dangerous() {
		require.True(t, known[id], id)
	}
}

// FuzzBody: whatever is sent, the answer is a refusal with a known code, or a body that encodes and decodes again.
func FuzzBody(f *testing.F) {
	makers := bodies()
	operations := slices.Sorted(maps.Keys(makers))
	for i := range operations {
		f.Add(i, []byte(`{"email":"a@example.com","password":"p","token":"t","name":"n","code":"1"}`))
		f.Add(i, []byte(`{"ceremony":"c","credential":{"id":"x","response":{}},"method":"hwk","name":"n"}`))
		f.Add(i, []byte(`{}`))
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
