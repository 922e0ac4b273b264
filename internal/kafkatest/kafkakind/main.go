// Kafkakind says which kind of broker the tests will get on this machine, and fetches what it needs. It exits 3 when that
// is no real Kafka.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/massrouter/massrouter/internal/kafkatest"
)

func main() {
	kind, err := kafkatest.Choose(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(kind)
	if kind == kafkatest.Fake {
		const notReal = 3
		os.Exit(notReal)
	}
}
