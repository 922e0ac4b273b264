package oidctest

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
)

// TestZitadel: the example provider of zitadel/oidc, whose ID tokens have no mailbox: it is asked for.
func TestZitadel(t *testing.T) {
	t.Parallel()
	storage.RegisterClients(storage.WebClient(clientID, clientSecret, callback))
	server := httptest.NewUnstartedServer(nil)
	issuer := "http://" + server.Listener.Addr().String() + "/"
	op := exampleop.SetupServer(issuer, storage.NewStorage(storage.NewUserStore(issuer)), slog.New(slog.DiscardHandler), false)
	server.Config.Handler = http.Handler(op)
	server.Start()
	t.Cleanup(server.Close)
	conform(t, peer{issuer: issuer, email: "test-user2@zitadel.ch", fill: func(form url.Values, _ string) {
		form.Set("username", "test-user2")
		form.Set("password", "verysecure")
	}})
}
