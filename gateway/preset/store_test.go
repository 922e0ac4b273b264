package preset_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/preset"
	"github.com/massrouter/massrouter/internal/pgtest"
)

type wallets map[uuid.UUID]bool

func (w wallets) Exists(_ context.Context, id uuid.UUID) error {
	if !w[id] {
		return domain.Errorf(domain.CodeWalletNotFound, "no such wallet")
	}
	return nil
}

type bundle struct {
	*preset.Store
	pool   *pgxpool.Pool
	wallet uuid.UUID
}

func setup(t *testing.T) bundle {
	t.Helper()
	b := bundle{pool: pgtest.New(t), wallet: uuid.New()}
	b.Store = preset.New(b.pool, wallets{b.wallet: true})
	return b
}

func request() preset.Request { return preset.Request{ID: uuid.New(), Actor: "operator:test"} }

func saying(prompt string) preset.Content {
	return preset.Content{Description: "d", SystemPrompt: prompt, Parameters: []byte(`{"model": "a/b"}`)}
}

func TestVersionsNeverChange(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var made []preset.Version
	for n := range int64(3) {
		v, replayed, err := b.Create(t.Context(), request(), b.wallet, "mine", saying(fmt.Sprint("prompt ", n)))
		require.NoError(t, err)
		require.False(t, replayed)
		require.Equal(t, n+1, v.Number)
		made = append(made, v)
		newest, err := b.Newest(t.Context(), b.wallet, "mine")
		require.NoError(t, err)
		require.Equal(t, v, newest)
	}
	for _, want := range made {
		got, err := b.Version(t.Context(), want.PresetID, want.Number)
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Equal(t, got.Content.Hash(), got.ContentHash)
	}
	p, err := b.Preset(t.Context(), made[0].PresetID)
	require.NoError(t, err)
	require.Equal(t, preset.Preset{ID: made[0].PresetID, WalletID: b.wallet, Slug: "mine", Versions: 3, CreatedAt: made[0].CreatedAt, UpdatedAt: made[2].CreatedAt}, p)
	_, _, err = b.Create(t.Context(), request(), b.wallet, "another", preset.Content{SystemPrompt: "only"})
	require.NoError(t, err)
	all, err := b.ByWallet(t.Context(), b.wallet)
	require.NoError(t, err)
	require.Equal(t, []string{"another", "mine"}, []string{all[0].Slug, all[1].Slug})
	only, err := b.Newest(t.Context(), b.wallet, "another")
	require.NoError(t, err)
	require.Nil(t, only.Content.Parameters)

	for _, err := range []error{
		second(b.Newest(t.Context(), uuid.New(), "mine")), second(b.Newest(t.Context(), b.wallet, "none")),
		second(b.Version(t.Context(), made[0].PresetID, 4)), second(b.Preset(t.Context(), uuid.New())), second(b.Archive(t.Context(), request(), uuid.New())),
	} {
		require.Equal(t, preset.CodeNotFound, domain.CodeOf(err))
	}
}

func second[T any](_ T, err error) error { return err }

func TestTheSameRequestIsTheSameVersion(t *testing.T) {
	t.Parallel()
	b := setup(t)
	q := request()
	first, _, err := b.Create(t.Context(), q, b.wallet, "mine", saying("one"))
	require.NoError(t, err)
	_, _, err = b.Create(t.Context(), request(), b.wallet, "mine", saying("two"))
	require.NoError(t, err)
	again, replayed, err := b.Create(t.Context(), q, b.wallet, "mine", saying("one"))
	require.NoError(t, err)
	require.True(t, replayed)
	require.Equal(t, first, again)
	for _, other := range []struct{ slug, prompt string }{{"mine", "other"}, {"other", "one"}} {
		_, _, err = b.Create(t.Context(), q, b.wallet, other.slug, saying(other.prompt))
		require.Equal(t, domain.CodeIdempotencyConflict, domain.CodeOf(err))
	}
	all, err := b.ByWallet(t.Context(), b.wallet)
	require.NoError(t, err)
	require.Len(t, all, 1)
}

func TestManyAtOnceGetDifferentNumbers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var wg sync.WaitGroup
	numbers := make(chan int64, 12)
	for range cap(numbers) {
		wg.Go(func() {
			v, _, err := b.Create(t.Context(), request(), b.wallet, "mine", saying("x"))
			if err != nil {
				t.Error(err)
			}
			numbers <- v.Number
		})
	}
	wg.Wait()
	close(numbers)
	seen := map[int64]bool{}
	for n := range numbers {
		seen[n] = true
	}
	require.Len(t, seen, cap(numbers))
	require.True(t, seen[1] && seen[int64(cap(numbers))])
}

func TestArchivedAndErased(t *testing.T) {
	t.Parallel()
	b := setup(t)
	q := request()
	v, _, err := b.Create(t.Context(), q, b.wallet, "mine", saying("secret text"))
	require.NoError(t, err)
	for _, want := range []bool{false, true} {
		replayed, err := b.Archive(t.Context(), request(), v.PresetID)
		require.NoError(t, err)
		require.Equal(t, want, replayed)
	}
	_, err = b.Newest(t.Context(), b.wallet, "mine")
	require.Equal(t, preset.CodeArchived, domain.CodeOf(err))
	_, _, err = b.Create(t.Context(), request(), b.wallet, "mine", saying("more"))
	require.Equal(t, preset.CodeArchived, domain.CodeOf(err))
	_, replayed, err := b.Create(t.Context(), q, b.wallet, "mine", saying("secret text"))
	require.NoError(t, err, "what was answered before is answered again")
	require.True(t, replayed)
	kept, err := b.Version(t.Context(), v.PresetID, 1)
	require.NoError(t, err)
	require.Equal(t, "secret text", kept.Content.SystemPrompt)
	p, err := b.Preset(t.Context(), v.PresetID)
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), p.ArchivedAt, time.Minute)

	for _, want := range []bool{false, true} {
		replayed, err := b.Erase(t.Context(), request(), v.PresetID)
		require.NoError(t, err)
		require.Equal(t, want, replayed)
	}
	var rows int
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT count(*) FROM gateway.preset_versions`).Scan(&rows))
	require.Zero(t, rows)
	again, replayed, err := b.Create(t.Context(), q, b.wallet, "mine", saying("secret text"))
	require.NoError(t, err)
	require.True(t, replayed, "what was erased does not come back")
	require.Equal(t, v, again)
	for _, other := range []func() (bool, error){
		func() (bool, error) { return b.Erase(t.Context(), q, v.PresetID) }, func() (bool, error) { return b.Archive(t.Context(), q, v.PresetID) },
	} {
		_, err := other()
		require.Equal(t, domain.CodeIdempotencyConflict, domain.CodeOf(err))
	}
	fresh, _, err := b.Create(t.Context(), request(), b.wallet, "mine", saying("anew"))
	require.NoError(t, err)
	require.NotEqual(t, v.PresetID, fresh.PresetID)
}

func TestWhatAPresetCannotSay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, row := range map[string]struct {
		slug    string
		content preset.Content
		member  string
	}{
		"slug":              {"Mine", saying("x"), "/slug"},
		"no slug":           {"", saying("x"), "/slug"},
		"a long slug":       {strings.Repeat("a", 65), saying("x"), "/slug"},
		"nothing":           {"mine", preset.Content{}, "/parameters"},
		"an empty object":   {"mine", preset.Content{Parameters: []byte(`{}`)}, "/parameters"},
		"no object":         {"mine", preset.Content{Parameters: []byte(`[]`)}, "/parameters"},
		"broken":            {"mine", preset.Content{Parameters: []byte(`{"model":`)}, "/parameters"},
		"a name twice":      {"mine", preset.Content{Parameters: []byte(`{"seed":1,"seed":2}`)}, "/parameters"},
		"a zero byte":       {"mine", preset.Content{Parameters: []byte(`{"model":"\u0000"}`)}, "/parameters"},
		"unknown":           {"mine", preset.Content{Parameters: []byte(`{"messages":[]}`)}, "/parameters/messages"},
		"an odd name":       {"mine", preset.Content{Parameters: []byte(`{"a/b~c":[]}`)}, "/parameters/a~1b~0c"},
		"another type":      {"mine", preset.Content{Parameters: []byte(`{"temperature":"hot"}`)}, "/parameters/temperature"},
		"null":              {"mine", preset.Content{Parameters: []byte(`{"temperature":null}`)}, "/parameters/temperature"},
		"a long prompt":     {"mine", preset.Content{SystemPrompt: strings.Repeat("x", preset.MaxText+1)}, "/system_prompt"},
		"a broken prompt":   {"mine", preset.Content{SystemPrompt: "\xff"}, "/system_prompt"},
		"a prompt with nul": {"mine", preset.Content{SystemPrompt: "a\x00"}, "/system_prompt"},
		"a description":     {"mine", preset.Content{SystemPrompt: "x", Description: "a\n"}, "/description"},
		"long parameters":   {"mine", preset.Content{Parameters: []byte(`{"model":"` + strings.Repeat("x", preset.MaxText) + `"}`)}, "/parameters"},
	} {
		_, _, err := b.Create(t.Context(), request(), b.wallet, row.slug, row.content)
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), name)
		var refusal *domain.Error
		require.ErrorAs(t, err, &refusal)
		require.Equal(t, row.member, refusal.Details["member"], name)
	}
	_, _, err := b.Create(t.Context(), request(), uuid.New(), "mine", saying("x"))
	require.Equal(t, domain.CodeWalletNotFound, domain.CodeOf(err))
	_, _, err = b.Create(t.Context(), request(), b.wallet, "mine", preset.Content{Parameters: []byte(`{"model":"m","models":[],"provider":{},"temperature":1e0,
		"stop":["a"],"tool_choice":{},"parallel_tool_calls":false,"tools":[],"response_format":{},"reasoning":{},"seed":-1}`)})
	require.NoError(t, err)
}

func TestWithoutTheDatabase(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.pool.Close()
	_, _, err := b.Create(t.Context(), request(), b.wallet, "mine", saying("x"))
	require.Equal(t, domain.CodeUnavailable, domain.CodeOf(err))
	for _, err := range []error{
		second(b.Newest(t.Context(), b.wallet, "mine")), second(b.ByWallet(t.Context(), b.wallet)), second(b.Preset(t.Context(), uuid.New())),
		second(b.Archive(t.Context(), request(), uuid.New())), second(b.Erase(t.Context(), request(), uuid.New())),
	} {
		require.Equal(t, domain.CodeUnavailable, domain.CodeOf(err))
	}
}
