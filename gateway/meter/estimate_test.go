package meter_test

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway/meter"
)

func quoted(t *testing.T, text string) []byte {
	t.Helper()
	raw, err := json.Marshal(text)
	require.NoError(t, err)
	return raw
}

func produced(limit int64) *meter.Produced {
	p := meter.NewProduced(meter.NewBudget(1<<30), limit)
	return &p
}

func TestCount(t *testing.T) {
	t.Parallel()
	var c meter.Counter
	for text, want := range map[string]int64{
		"": 0, "hello": 1, "hello world": 2, "The quick brown fox jumps over the lazy dog.": 10, "日本": 1,
	} {
		n, err := c.Count(text)
		require.NoError(t, err)
		require.Equal(t, want, n, text)
	}
}

func TestCountOfLongTexts(t *testing.T) {
	t.Parallel()
	var c meter.Counter
	for name, row := range map[string]struct {
		text       string
		want, leap int64
	}{
		"cut at blanks":     {strings.Repeat(" hello world", 1000), 2000, 0},
		"sampled":           {strings.Repeat(" hello world", 100_000), 200_000, 2000},
		"one endless word":  {strings.Repeat("a", 1<<20), 131_072, 1000},
		"nothing but space": {strings.Repeat(" ", 1<<20), 8192, 1000},
		"many bytes a rune": {strings.Repeat("日本", 200_000), 200_000, 2000},
		"broken UTF-8":      {strings.Repeat("\x80", 1<<19), 1 << 19, 1 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, err := c.Count(row.text)
			require.NoError(t, err)
			require.InDelta(t, row.want, n, float64(row.leap))
		})
	}
}

func TestCountFromManySides(t *testing.T) {
	t.Parallel()
	var c meter.Counter
	var wg sync.WaitGroup
	counts := make([]int64, 16)
	for i := range counts {
		wg.Go(func() { counts[i], _ = c.Count("hello world") })
	}
	wg.Wait()
	for _, n := range counts {
		require.Equal(t, int64(2), n)
	}
}

func TestEstimate(t *testing.T) {
	t.Parallel()
	var c meter.Counter
	p := produced(1 << 20)
	for _, piece := range []string{"hel", "lo", " wor", "ld"} {
		p.Add(0, 0, meter.Visible, quoted(t, piece))
	}
	p.Add(1, 0, meter.Visible, quoted(t, `He said "hello" \ and é`))
	p.Add(0, 0, meter.Reasoning, quoted(t, "hello"))
	p.Add(0, 2, meter.CallName, quoted(t, "get"))
	p.Add(0, 2, meter.CallArguments, quoted(t, "{}"))
	p.Add(0, 0, meter.Visible, []byte(`""`))
	u, err := c.Estimate(meter.Prompt{Text: "hello world", Messages: 2}, p, bounds())
	require.NoError(t, err)
	said, err := c.Count(`He said "hello" \ and é`)
	require.NoError(t, err)
	require.Equal(t, usage.Usage{usage.Input: 10, usage.Output: 2 + said + 1 + 1, usage.Reasoning: 1, usage.Request: 1}, u)
}

func TestEstimateStaysWithinTheBounds(t *testing.T) {
	t.Parallel()
	var c meter.Counter
	p := produced(1 << 20)
	p.Add(0, 0, meter.Reasoning, quoted(t, strings.Repeat(" hello", 20)))
	p.Add(0, 0, meter.Visible, quoted(t, strings.Repeat(" hello", 400)))
	u, err := c.Estimate(meter.Prompt{Text: strings.Repeat(" hello", 400), Images: 3}, p, bounds())
	require.NoError(t, err)
	require.Equal(t, usage.Usage{usage.Input: 100, usage.Reasoning: 20, usage.Output: 30, usage.Request: 1}, u)

	p.Add(0, 0, meter.Reasoning, quoted(t, strings.Repeat(" hello", 400)))
	u, err = c.Estimate(meter.Prompt{}, p, bounds())
	require.NoError(t, err)
	require.Equal(t, usage.Usage{usage.Reasoning: 50, usage.Request: 1}, u)
}

func TestTextThatWasNotKeptIsExtrapolated(t *testing.T) {
	t.Parallel()
	var c meter.Counter
	wide := meter.Bounds{Context: 1 << 30, Prompt: 1 << 30, Completion: 1 << 30}
	p := produced(10_000)
	for range 10_000 {
		p.Add(0, 0, meter.Visible, []byte(`" hello"`))
	}
	u, err := c.Estimate(meter.Prompt{}, p, wide)
	require.NoError(t, err)
	require.InDelta(t, 10_000, u[usage.Output], 5)

	none := produced(0)
	none.Add(0, 0, meter.Visible, []byte(`"12345678"`))
	u, err = c.Estimate(meter.Prompt{}, none, wide)
	require.NoError(t, err)
	require.Equal(t, int64(2), u[usage.Output], "four bytes a token when nothing is known")

	many := produced(1 << 20)
	for i := range 600 {
		many.Add(i, 0, meter.Visible, []byte(`" hello"`))
	}
	u, err = c.Estimate(meter.Prompt{}, many, wide)
	require.NoError(t, err)
	require.Equal(t, int64(600), u[usage.Output], "beyond the texts that are kept apart")
}

func TestBudgetIsShared(t *testing.T) {
	t.Parallel()
	budget := meter.NewBudget(20)
	a, b := meter.NewProduced(budget, 100), meter.NewProduced(budget, 100)
	a.Add(0, 0, meter.Visible, []byte(`" hello hello"`)) // 14 bytes
	b.Add(0, 0, meter.Visible, []byte(`" hello hello"`))
	var c meter.Counter
	u, err := c.Estimate(meter.Prompt{}, &b, bounds())
	require.NoError(t, err)
	require.Equal(t, int64(3), u[usage.Output], "only its length is known")
	a.Drop()
	require.True(t, a.Any())
	again := meter.NewProduced(budget, 100)
	again.Add(0, 0, meter.Visible, []byte(`" hello hello"`))
	u, err = c.Estimate(meter.Prompt{}, &again, bounds())
	require.NoError(t, err)
	require.Equal(t, int64(2), u[usage.Output], "what was dropped can be used again")
}

func TestProducedWithoutText(t *testing.T) {
	t.Parallel()
	var p meter.Produced
	require.False(t, p.Any())
	p.Add(0, 0, meter.Visible, []byte(`""`))
	require.False(t, p.Any())
	p.Add(0, 0, meter.Visible, []byte(`"a"`))
	require.True(t, p.Any())
	var q meter.Produced
	q.Mark()
	require.True(t, q.Any())
}
