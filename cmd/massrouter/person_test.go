package main

import (
	"context"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/http/openapi/client"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/internal/redistest"
)

const personWord = "correct horse battery"

// person is somebody with an account, and the client that is generated from the document as a program of that person uses it.
type person struct {
	*client.ClientWithResponses
	email, access, refresh string
	wallet                 uuid.UUID // of the own organisation
	secret                 string    // of a key
}

// join signs somebody up, follows the mailed link, signs in, makes an organisation and issues a key, all by the generated client.
func (s *service) join(box *postbox, email string) *person {
	t, ctx := s.t, s.t.Context()
	t.Helper()
	p := &person{email: email}
	var err error
	p.ClientWithResponses, err = client.NewClientWithResponses(s.base, client.WithHTTPClient(s.client), client.WithRequestEditorFn(func(_ context.Context, r *http.Request) error {
		if p.access != "" {
			r.Header.Set("Authorization", "Bearer "+p.access)
		}
		return nil
	}))
	require.NoError(t, err)
	up, err := p.SignUpWithResponse(ctx, client.SignUp{Email: email, Password: personWord})
	require.NoError(t, err)
	require.NotNil(t, up.JSON202, "%s", up.Body)
	link := ""
	require.Eventually(t, func() bool {
		for _, text := range box.letters() {
			if found := mailedLink.FindStringSubmatch(strings.NewReplacer("=\r\n", "", "=3D", "=").Replace(text)); found != nil && strings.Contains(text, "<"+email+">") {
				link = found[1]
			}
		}
		return link != ""
	}, patience, tick)
	proved, err := p.VerifyEmailWithResponse(ctx, client.VerifyEmail{Token: link, Password: personWord})
	require.NoError(t, err)
	require.NotNil(t, proved.JSON200, "%s", proved.Body)
	delivery := "body"
	in, err := p.SignInWithResponse(ctx, client.SignIn{Email: email, Password: personWord, Delivery: &delivery})
	require.NoError(t, err)
	require.NotNil(t, in.JSON200, "%s", in.Body)
	p.access, p.refresh = *in.JSON200.AccessToken, *in.JSON200.RefreshToken
	founded, err := p.CreateOrganisationWithResponse(ctx, nil, client.OrganisationName{Name: "Acme"})
	require.NoError(t, err)
	require.NotNil(t, founded.JSON201, "%s", founded.Body)
	p.wallet = founded.JSON201.WalletID
	issued, err := p.IssueKeyWithResponse(ctx, p.wallet, nil, client.IssueKey{Name: "first"})
	require.NoError(t, err)
	require.NotNil(t, issued.JSON201, "%s", issued.Body)
	p.secret = issued.JSON201.Secret
	return p
}

// letters are the mails that came, each by itself.
func (p *postbox) letters() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.taken...)
}

// TestAProgramOfThePublishedDocument: a program that knows nothing but the document leads somebody from the sign-up to a key that works, and out again.
func TestAProgramOfThePublishedDocument(t *testing.T) {
	t.Parallel()
	box, mailServer := openPostbox(t)
	keyset := filepath.Join(t.TempDir(), "keyset.json")
	do(t, nil, "secrets", "init", keyset)
	s, _ := servePeople(t, pgtest.URL(t), redistest.Start(t).URL(), keyset, mailServer)
	ann := s.join(box, "ann@example.com")
	require.Eventually(t, func() bool { return s.try("/api/v1/key", ann.secret) == http.StatusOK }, patience, tick)
	me, err := ann.GetMeWithResponse(t.Context())
	require.NoError(t, err)
	require.NotNil(t, me.JSON200, "%s", me.Body)
	require.Equal(t, ann.email, me.JSON200.Email)
	require.Len(t, me.JSON200.Organisations, 2, "the personal one, and the founded one")
	ways, err := ann.ListIdentitiesWithResponse(t.Context())
	require.NoError(t, err)
	require.NotNil(t, ways.JSON200, "%s", ways.Body)
	wrong, err := ann.SignInWithResponse(t.Context(), client.SignIn{Email: ann.email, Password: "another"})
	require.NoError(t, err)
	require.NotNil(t, wrong.ApplicationProblemJSONDefault)
	require.Equal(t, http.StatusUnauthorized, wrong.StatusCode())
	next, err := ann.RefreshSessionWithResponse(t.Context(), client.RefreshSession{RefreshToken: &ann.refresh})
	require.NoError(t, err)
	require.NotNil(t, next.JSON200, "%s", next.Body)
	ann.access = *next.JSON200.AccessToken
	over, err := ann.SignOutEverywhereWithResponse(t.Context())
	require.NoError(t, err)
	require.NotNil(t, over.JSON200, "%s", over.Body)
	require.Eventually(t, func() bool { return s.try("/console/v1/me", ann.access) == http.StatusUnauthorized }, patience, tick)
}
