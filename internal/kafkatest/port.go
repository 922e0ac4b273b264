package kafkatest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
)

// freePort picks a port that nobody listens on, below the range from which the kernel takes the ports of outgoing
// connections: those would take it away while the broker is down.
func freePort(ctx context.Context) (int, error) {
	var config net.ListenConfig
	const tries = 200
	for range tries {
		port := 20000 + rand.IntN(12000) //nolint:gosec // no secret
		listener, err := config.Listen(ctx, "tcp4", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return port, listener.Close()
		}
	}
	return 0, fmt.Errorf("no free port in %d tries", tries)
}
