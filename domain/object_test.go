package domain_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain"
)

func TestAppendStringEqualsMarshal(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := string(rapid.SliceOf(rapid.Byte()).Draw(t, "s"))
		want, err := json.Marshal(s)
		require.NoError(t, err)
		require.Equal(t, string(want), string(domain.AppendString(nil, s)))
	})
}

// own writes itself.
type own struct{ err error }

func (o own) AppendJSON(dst []byte) ([]byte, error) { return append(dst, "own"...), o.err }

func TestAppendJSONPrefersTheMethod(t *testing.T) {
	t.Parallel()
	got, err := domain.AppendJSON([]byte("before"), own{})
	require.NoError(t, err)
	require.Equal(t, "beforeown", string(got))
	_, err = domain.AppendJSON(nil, own{err: errors.ErrUnsupported})
	require.ErrorIs(t, err, errors.ErrUnsupported)
	got, err = domain.AppendJSON([]byte("before"), map[string]int{"a": 1})
	require.NoError(t, err)
	require.Equal(t, `before{"a":1}`, string(got))
	_, err = domain.AppendJSON(nil, func() {})
	require.Error(t, err)
}

func TestObjectEqualsMarshal(t *testing.T) {
	t.Parallel()
	type plain struct {
		ID     uuid.UUID `json:"id"`
		Text   string    `json:"text"`
		Number int64     `json:"number"`
		Flag   bool      `json:"flag"`
		At     time.Time `json:"at"`
		List   []int     `json:"list"`
	}
	rapid.Check(t, func(t *rapid.T) {
		v := plain{
			Text: rapid.String().Draw(t, "text"), Number: rapid.Int64().Draw(t, "number"), Flag: rapid.Bool().Draw(t, "flag"),
			At: time.Unix(rapid.Int64Range(-1e12, 1e12).Draw(t, "seconds"), 0).UTC(),
		}
		copy(v.ID[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
		o := domain.BeginObject([]byte("before"))
		o.ID("id", v.ID)
		o.String("text", v.Text)
		o.Int("number", v.Number)
		o.Bool("flag", v.Flag)
		o.Time("at", v.At)
		o.Value("list", func(dst []byte) ([]byte, error) { return append(dst, "null"...), nil })
		got, gotErr := o.End()
		want, err := json.Marshal(v)
		require.Equal(t, err == nil, gotErr == nil, "%v / %v", err, gotErr)
		if err == nil {
			require.Equal(t, "before"+string(want), string(got))
		}
	})
}

func TestObjectKeepsTheFirstError(t *testing.T) {
	t.Parallel()
	o := domain.BeginObject(nil)
	got, err := o.End()
	require.NoError(t, err)
	require.Equal(t, "{}", string(got))

	first := errors.New("first")
	o = domain.BeginObject(nil)
	o.Value("a", func([]byte) ([]byte, error) { return nil, first })
	o.Value("b", func([]byte) ([]byte, error) { return nil, errors.New("second") })
	o.Time("c", time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC))
	got, err = o.End()
	require.ErrorIs(t, err, first)
	require.Nil(t, got)
}
