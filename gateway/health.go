package gateway

import (
	"strings"
	"time"

	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/gateway/routing"
)

// health is what is known of how well vendors serve. What happens with a customer's key is known of that key only: it opens no circuit for others,
// measures nobody's endpoint, takes no room of theirs, and stays in this process.
type health struct{ platform, own *routing.Health }

var _ interface {
	routing.Stats
	routing.Gate
} = health{}

func newHealth() health {
	return health{routing.NewHealth(routing.HealthOptions{}), routing.NewHealth(routing.HealthOptions{})}
}

func (h health) of(endpoint string) *routing.Health {
	if strings.Contains(endpoint, ownMark) {
		return h.own
	}
	return h.platform
}

// Condition implements routing.Stats.
func (h health) Condition(endpoint string, credentials []string, now time.Time) routing.Condition {
	return h.of(endpoint).Condition(endpoint, credentials, now)
}

// Begin implements routing.Gate.
func (h health) Begin(endpoint string, now time.Time) (*routing.Trial, bool) {
	return h.of(endpoint).Begin(endpoint, now)
}

// Pick implements routing.Gate.
func (h health) Pick(credentials []string, endpoint string, c routing.Conversation, except func(string) bool, now time.Time) (credential string, ok bool) {
	return h.of(endpoint).Pick(credentials, endpoint, c, except, now)
}

// SetAside implements routing.Gate.
func (h health) SetAside(credential, endpoint string, until, now time.Time) {
	if _, customers := wallet.OwnKeyOf(credential); customers {
		h.own.SetAside(credential, endpoint, until, now)
		return
	}
	h.platform.SetAside(credential, endpoint, until, now)
}
