package domain_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/app"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/wallet"
)

// requireAsPlain holds a decoder to encoding/json: both refuse, or both read the same.
func requireAsPlain(t *testing.T, zero domain.Event, body []byte, got domain.Event, gotErr error) {
	t.Helper()
	want := reflect.New(reflect.TypeOf(zero))
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if decoder.Decode(want.Interface()) != nil || decoder.More() || !bytes.HasPrefix(body, []byte("{")) {
		require.Error(t, gotErr)
		return
	}
	if gotErr != nil {
		require.ErrorContains(t, gotErr, "bytes after")
		return
	}
	wantText, err := json.Marshal(want.Interface())
	require.NoError(t, err)
	gotText, err := json.Marshal(got)
	require.NoError(t, err)
	require.Equal(t, string(wantText), string(gotText))
}

// FuzzDecodeEvent: no bytes under any name make a decoder or a fold panic, and what decodes keeps its meaning when it
// is stored again.
func FuzzDecodeEvent(f *testing.F) {
	files, err := filepath.Glob(filepath.Join(sampleFolder, "*.json"))
	require.NoError(f, err)
	for _, file := range files {
		body, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(typeOf(strings.TrimSuffix(filepath.Base(file), ".json")), body)
	}
	for _, body := range []string{``, `null`, `{}`, `[]`, `{"hold_id":1}`, `{} {}`, `{"amount":1e400}`, `{"amount":"-0"}`, `{"unknown":1}`} {
		f.Add("wallet.hold_placed.v1", []byte(body))
	}
	registry := everything(f)
	zero := map[string]domain.Event{}
	for _, spec := range registry.Specs() {
		zero[spec.Type] = spec.Zero
	}
	f.Fuzz(func(t *testing.T, name string, body []byte) {
		e, err := registry.Decode(name, body)
		if plain, known := zero[name]; known {
			requireAsPlain(t, plain, body, e, err)
		}
		if err != nil {
			require.Nil(t, e)
			return
		}
		require.Equal(t, name, e.EventType())
		first, err := domain.Encode(e)
		require.NoError(t, err)
		again, err := registry.Decode(name, first)
		require.NoError(t, err)
		second, err := domain.Encode(again)
		require.NoError(t, err)
		require.Equal(t, string(first), string(second))
		for _, s := range []domain.Aggregate{
			wallet.New(), apikey.New(), app.New(), &catalog.VendorState{}, &catalog.ModelState{}, &catalog.EndpointState{},
		} {
			s.Apply(e, time.Unix(0, 0))
			_ = s.Check()
		}
	})
}
