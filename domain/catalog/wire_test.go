package catalog_test

import (
	"maps"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/catalog"
)

func peculiar() catalog.Wire {
	return catalog.Wire{
		Auth: catalog.AuthHeader, AuthName: "api-key", Headers: map[string]string{"X-Team": "router"}, Query: map[string]string{"api-version": "2024-10-21"},
		Paths: map[string]string{"chat": "/deployments/{model}/chat/completions"}, BodyVersion: "vertex-2023-10-16", NoStreamUsage: true,
	}
}

func publish(w *catalog.Wire) (catalog.VendorPublished, error) {
	v := vendor()
	v.Wire = w
	return (&catalog.VendorState{}).Publish(v)
}

// TestC1_AWireIsPublishedWhole, and apart from what its publisher goes on with.
func TestC1_AWireIsPublishedWhole(t *testing.T) {
	t.Parallel()
	mine := peculiar()
	e, err := publish(&mine)
	require.NoError(t, err)
	require.Equal(t, peculiar(), *e.Wire)
	mine.Headers["X-Team"], mine.Paths["chat"] = "other", "/other"
	require.Equal(t, peculiar(), *e.Wire)
	for _, auth := range []catalog.Auth{"", catalog.AuthBearer, catalog.AuthNone, catalog.AuthServiceAccount, catalog.AuthSigV4} {
		_, err := publish(&catalog.Wire{Auth: auth})
		require.NoError(t, err, auth)
	}
}

func TestC1_WiresAreRefused(t *testing.T) {
	t.Parallel()
	many := map[string]string{}
	for i := range 21 {
		many["h"+strconv.Itoa(i)] = "x"
	}
	for name, change := range map[string]func(*catalog.Wire){
		"body version":         func(w *catalog.Wire) { w.BodyVersion = "a b" },
		"unknown auth":         func(w *catalog.Wire) { w.Auth = "basic" },
		"header, no name":      func(w *catalog.Wire) { w.AuthName = "" },
		"query, no name":       func(w *catalog.Wire) { w.Auth, w.AuthName = catalog.AuthQuery, "" },
		"name for bearer":      func(w *catalog.Wire) { w.Auth = catalog.AuthBearer },
		"name with a break":    func(w *catalog.Wire) { w.AuthName = "a\r\nb" },
		"key in a header":      func(w *catalog.Wire) { w.Headers["Authorization"] = "Bearer x" },
		"host":                 func(w *catalog.Wire) { w.Headers["HOST"] = "x" },
		"break in a value":     func(w *catalog.Wire) { w.Headers["X-A"] = "a\r\nb: c" },
		"empty value":          func(w *catalog.Wire) { w.Headers["X-A"] = "" },
		"long value":           func(w *catalog.Wire) { w.Headers["X-A"] = strings.Repeat("x", 201) },
		"many headers":         func(w *catalog.Wire) { w.Headers = many },
		"parameter's name":     func(w *catalog.Wire) { w.Query["a&b"] = "x" },
		"parameter's value":    func(w *catalog.Wire) { w.Query["a"] = "\x00" },
		"relative path":        func(w *catalog.Wire) { w.Paths["chat"] = "chat" },
		"path with a query":    func(w *catalog.Wire) { w.Paths["chat"] = "/chat?x=y" },
		"path upwards":         func(w *catalog.Wire) { w.Paths["chat"] = "/../chat" },
		"path, another word":   func(w *catalog.Wire) { w.Paths["chat"] = "/{key}/chat" },
		"another address":      func(w *catalog.Wire) { w.Paths["chat"] = "//evil.example/chat" },
		"region, no signature": func(w *catalog.Wire) { w.Region = "eu-central-1" },
		"no region":            func(w *catalog.Wire) { w.Auth, w.AuthName, w.Region = catalog.AuthSigV4, "", "europe" },
		"a long region": func(w *catalog.Wire) {
			w.Auth, w.AuthName, w.Region = catalog.AuthSigV4, "", "eu-"+strings.Repeat("a", 40)+"-1"
		},
		"operation's name": func(w *catalog.Wire) { w.Paths["Chat "] = "/chat" },
	} {
		w := peculiar()
		change(&w)
		_, err := publish(&w)
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), name)
	}
}

func TestWiresAreCompared(t *testing.T) {
	t.Parallel()
	a, b := peculiar(), peculiar()
	require.True(t, a.Equal(&b))
	b.Headers = maps.Clone(b.Headers)
	b.Headers["X-More"] = "x"
	require.False(t, a.Equal(&b))
	require.False(t, a.Equal(nil))
	var none *catalog.Wire
	require.True(t, none.Equal(nil))
	require.False(t, none.Equal(&a))
}
