package request_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/request"
)

// listing is a request object as the generated code has them.
type listing struct {
	Month  string `json:"month"`
	Params struct {
		WalletID *[]string  `form:"wallet_id,omitempty"`
		Model    *[]string  `form:"model,omitempty"`
		AsOf     *string    `form:"as_of,omitempty"`
		To       *time.Time `form:"to,omitempty"`
	}
}

func TestARefusalNamesItsParameter(t *testing.T) {
	t.Parallel()
	invalid := func(message string) *domain.Error { return domain.Errorf(domain.CodeInvalid, "%s", message) }
	late := listing{}
	late.Params.To = &time.Time{}
	*late.Params.To = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		err  error
		want string
	}{
		{invalid("x").With("field", "as_of"), "as_of"},
		{invalid("x").With("field", "wallets"), "wallet_id"},
		{invalid("x").With("field", "models"), "model"},
		{invalid("x").With("field", "colours"), ""},
		{invalid("as_of lies in the future"), "as_of"},
		{invalid("the model is odd"), "model"},
		{invalid("month is written as 2026-03"), "month"},
		{invalid("nothing to blame"), ""},
		{invalid("x").With("field", "as_of").With("parameter", "other"), "other"},
		{invalid("a time lies in the years 1 to 9999"), "to"},
		{domain.Errorf(domain.CodeUnavailable, "as_of is away"), ""},
	} {
		var got *domain.Error
		require.ErrorAs(t, request.BlameQuery(c.err, late), &got)
		require.Equal(t, c.want, got.Details["parameter"], c.err)
		if c.want != "" && c.want != "other" {
			require.NotContains(t, got.Details, "field")
		}
	}
	plain := errors.New("broken")
	require.Equal(t, plain, request.BlameQuery(plain, late))
	same := invalid("a time lies in the years 1 to 9999")
	require.Equal(t, error(same), request.BlameQuery(same, struct{}{}))
}
