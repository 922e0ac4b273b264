package program

import (
	gatewayauth "github.com/massrouter/massrouter/gateway/auth"
	"github.com/massrouter/massrouter/projections/keys"
)

// CallerKeys is where the gateway's authentication looks keys up, for benchmarks of it.
func CallerKeys(query *keys.Query) gatewayauth.Keys { return keyring{query} }
