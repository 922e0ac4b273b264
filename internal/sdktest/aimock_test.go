package sdktest

import (
	"bufio"
	"encoding/json"
	"math/big"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What the vendor that is not ours is told to answer.
const (
	mockSays, mockCalls, mockFails = "say something", "call something", "fail somehow"
	mockWords                      = `Words with "quotes", \ and ünïcödé 日本, in pieces.`
	mockPrompt, mockCompletion     = 37, 11
	mockArguments                  = `{"city":"Zürich","days":2}`
)

var mockFunctions = []string{"look_up", "write_down"}

// TestAVendorThatIsNotOurs is the clients against a simulator of other people (npm @copilotkit/aimock), so that what we read of
// vendors is not only what we ourselves believe of them.
func TestAVendorThatIsNotOurs(t *testing.T) {
	t.Parallel()
	url := startMock(t)
	dialects := map[string]string{"openai": "/v1", "responses": "/v1", "anthropic": "/v1", "gemini": "/v1beta"}
	for dialect, root := range dialects {
		vendor := "mock-" + dialect
		require.NoError(t, console(http.MethodPut, "/console/v1/vendors/"+vendor, map[string]any{
			"name": vendor, "base_url": url + root, "dialect": dialect, "cancel_policy": "cancel", "max_tokens_field": "max_tokens", "status": "active",
		}, nil))
		require.NoError(t, publish(vendor, "any", "any", "text"))
		require.NoError(t, await(vendor+"/any"))
	}
	sdks := goSDKs(t)
	each := func(name string, run func(m *mocked)) {
		t.Run(name, func(t *testing.T) {
			for _, s := range sdks {
				for dialect := range dialects {
					t.Run(s.name+"/"+dialect, func(t *testing.T) {
						t.Parallel()
						w := &wire{}
						c, err := s.make(shared.APIKey, w)
						require.NoError(t, err)
						run(&mocked{t, c, w, "mock-" + dialect + "/any", s.name, dialect})
					})
				}
			}
		})
	}
	each("says", (*mocked).says)
	each("calls", (*mocked).calls)
	each("fails", (*mocked).fails) // last: who asks to be left alone for a minute is left alone
}

// startMock runs the vendor until the test ends.
func startMock(t *testing.T) (url string) {
	t.Helper()
	install(t)
	setup, err := json.Marshal(map[string]any{
		"Says": mockSays, "Calls": mockCalls, "Fails": mockFails, "Words": mockWords, "Functions": mockFunctions, "Arguments": mockArguments,
		"Prompt": mockPrompt, "Completion": mockCompletion,
	})
	require.NoError(t, err)
	node := exec.Command("node", "aimock.mjs") //nolint:noctx // it ends with its input
	node.Dir = "node"
	node.Env = append(node.Environ(), "AIMOCK="+string(setup))
	var log syncBuffer
	node.Stderr = &log
	input, err := node.StdinPipe()
	require.NoError(t, err)
	output, err := node.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, node.Start())
	line, err := bufio.NewReader(output).ReadString('\n')
	t.Cleanup(func() {
		_ = input.Close() // it may have ended already
		_ = node.Wait()
	})
	require.NoError(t, err, log.String())
	return strings.TrimSpace(line)
}

// mocked is one client against one dialect of the vendor.
type mocked struct {
	*testing.T
	client client
	wire   *wire
	model  string

	sdk, dialect string
}

// both asks for a whole answer and for a stream.
func (m *mocked) both(q question, check func(a *answer)) {
	m.Helper()
	q.model = m.model
	a, err := m.client.whole(m.Context(), q)
	require.NoError(m, err)
	check(a)
	m.charged()
	a, err = m.client.stream(m.Context(), q, func() {})
	require.NoError(m, err)
	check(a)
	m.charged()
}

// charged compares the record of the last call with what the vendor was told to report.
func (m *mocked) charged() {
	m.Helper()
	var g struct {
		Data struct {
			TokensPrompt     int64       `json:"tokens_prompt"`
			TokensCompletion int64       `json:"tokens_completion"`
			TotalCost        json.Number `json:"total_cost"`
		}
	}
	require.NoError(m, get("/api/v1/generation?id="+m.wire.last(), shared.APIKey, &g))
	require.EqualValues(m, mockPrompt, g.Data.TokensPrompt)
	require.EqualValues(m, mockCompletion, g.Data.TokensCompletion)
	cost, ok := new(big.Rat).SetString(g.Data.TotalCost.String())
	require.True(m, ok)
	require.Zero(m, cost.Cmp(big.NewRat(mockPrompt*1+mockCompletion*4, 1e6)), "%s", cost) // see publish
}

func (m *mocked) says() {
	m.Helper()
	m.both(question{text: mockSays}, func(a *answer) {
		require.Equal(m, mockWords, a.text)
		require.EqualValues(m, mockPrompt, a.prompt)
		require.EqualValues(m, mockCompletion, a.completion)
	})
}

func (m *mocked) calls() {
	m.Helper()
	m.both(question{text: mockCalls, tools: mockFunctions}, func(a *answer) {
		require.Len(m, a.calls, len(mockFunctions))
		ids := map[string]bool{}
		for i, c := range a.calls {
			require.Equal(m, mockFunctions[i], c.name)
			require.JSONEq(m, mockArguments, c.arguments)
			ids[c.id] = true
		}
		if native := m.sdk == "google.golang.org/genai" && m.dialect == "gemini"; !native { // Gemini's calls may be without
			require.Len(m, ids, len(a.calls), "each call has an id of its own: %v", ids)
		}
	})
}

func (m *mocked) fails() {
	m.Helper()
	_, err := m.client.whole(m.Context(), question{model: m.model, text: mockFails})
	require.Error(m, err)
	status, message := m.client.refused(err)
	require.Equal(m, http.StatusServiceUnavailable, status, "%v: the limit is the vendor's, not the caller's", err)
	require.NotEmpty(m, message)
}
