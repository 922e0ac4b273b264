package domain_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/wallet"
)

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
	f.Fuzz(func(t *testing.T, name string, body []byte) {
		e, err := registry.Decode(name, body)
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
			wallet.New(), apikey.New(), &catalog.VendorState{}, &catalog.ModelState{}, &catalog.EndpointState{},
		} {
			s.Apply(e, time.Unix(0, 0))
			_ = s.Check()
		}
	})
}
