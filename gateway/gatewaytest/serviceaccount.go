package gatewaytest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/sim"
)

// ServiceAccount makes the simulator one that gives tokens of some life to a service account, and returns the account's document.
func (k *Kit) ServiceAccount(life time.Duration) (document string) {
	k.T.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(k.T, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(k.T, err)
	endpoint := k.Vendor.URL + "/token"
	raw, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": "p", "client_email": "router@p.iam.gserviceaccount.com", "private_key_id": "key-1",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})), "token_uri": endpoint,
	})
	require.NoError(k.T, err)
	k.Sim.Close()
	k.Sim = sim.New(sim.Options{APIKey: VendorSecret, Now: k.Clock.Now, ServiceAccount: &sim.ServiceAccount{
		Email: "router@p.iam.gserviceaccount.com", KeyID: "key-1", PublicKey: &key.PublicKey, Audience: endpoint, Life: life,
	}})
	k.Proxy(k.Sim)
	k.T.Cleanup(k.Sim.Close)
	return string(raw)
}
