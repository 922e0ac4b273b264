package sdktest

import (
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// sdk is an official client and its version.
type sdk struct {
	name, version string
	make          func(key string, w *wire) (client, error) // nil if it runs in node
	closed        bool                                      // it shows no fields that it does not know
	mute          bool                                      // it has no place for reasoning
	single        bool                                      // it asks for one completion
}

// goSDKs are the clients for Go, by the name of their module.
func goSDKs(t *testing.T) []sdk {
	t.Helper()
	all := []sdk{
		{name: "github.com/openai/openai-go/v3", make: newOpenAI, mute: true},
		{name: "github.com/anthropics/anthropic-sdk-go", make: newAnthropic, single: true},
		{name: "google.golang.org/genai", make: newGenAI, closed: true},
	}
	for i := range all {
		version, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Version}}", all[i].name).Output()
		require.NoError(t, err, all[i].name)
		all[i].version = strings.TrimSpace(string(version))
	}
	return all
}

// outcomes is what the run found.
type outcomes struct {
	mu    sync.Mutex
	cells map[cell]string
}

type cell struct{ sdk, vendor, feature string }

func (o *outcomes) add(c cell, outcome string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.cells[c] = outcome
}

// TestCompatibility runs every client with every vendor and compares what it found with the document.
func TestCompatibility(t *testing.T) {
	t.Parallel()
	found := &outcomes{cells: map[cell]string{}}
	sdks := goSDKs(t)
	passed := t.Run("sdk", func(t *testing.T) {
		for _, s := range sdks {
			for _, v := range vendors {
				for _, f := range features {
					t.Run(s.name+"/"+v.ID+"/"+f.name, func(t *testing.T) {
						t.Parallel()
						w := new(wire)
						c, err := s.make(shared.APIKey, w)
						require.NoError(t, err)
						outcome := f.run(&probe{T: t, client: c, wire: w, vendor: v, sdk: s})
						found.add(cell{s.name, v.ID, f.name}, outcome)
					})
				}
			}
		}
		t.Run("node", func(t *testing.T) {
			t.Parallel()
			runNode(t, found)
		})
	})
	if passed && whole() {
		compare(t, append(sdks, nodeSDKs(t)...), found)
	}
}
