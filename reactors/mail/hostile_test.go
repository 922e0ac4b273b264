package mail_test

import (
	"io"
	"net"
	netmail "net/mail"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/identity/account"
	"github.com/massrouter/massrouter/identity/address"
	"github.com/massrouter/massrouter/reactors/mail"
)

// envelopes is a real mail server that keeps who it was told to deliver to, too.
type envelopes struct {
	mu       sync.Mutex
	to, text []string
}

func (e *envelopes) NewSession(*smtp.Conn) (smtp.Session, error) { return e, nil }
func (*envelopes) Mail(string, *smtp.MailOptions) error          { return nil }
func (*envelopes) Reset()                                        {}
func (*envelopes) Logout() error                                 { return nil }

func (e *envelopes) Rcpt(to string, _ *smtp.RcptOptions) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.to = append(e.to, to)
	return nil
}

func (e *envelopes) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.text = append(e.text, string(text))
	return err
}

// take is what came since it was last asked.
func (e *envelopes) take() (to, text []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	to, text, e.to, e.text = e.to, e.text, nil, nil
	return to, text
}

// TestNoReaderMakesALink: each dot of a host is broken, also where parts are one letter long or end in a mark that is written over a letter.
func TestNoReaderMakesALink(t *testing.T) {
	t.Parallel()
	w, err := mail.NewWriter("https://massrouter.example")
	require.NoError(t, err)
	for typed, mailed := range map[string]string{
		"Refund now.t.co/abc": "Refund now[.]t[.]co/abc", "a.x.com": "a[.]x[.]com", "me.g.co": "me[.]g[.]co", "evil\u0301.com": "evil\u0301[.]com", "evil.1.com": "evil.1[.]com", "eve@x.com": "eve@x[.]com",
		"http://x.y": "http[:]//x[.]y", "192.0.2.1/x": "192[.]0[.]2[.]1/x", "例子.中国": "例子[.]中国", "Acme Inc. Shanghai": "Acme Inc. Shanghai", "Firefox 128.0": "Firefox 128.0",
	} {
		m, err := w.Write(account.Invited, account.English, map[string]string{"organisation": typed}, "")
		require.NoError(t, err)
		require.Contains(t, m.Subject+m.Text, mailed)
		require.Contains(t, m.HTML, mailed)
		require.True(t, typed == mailed || !strings.Contains(m.Subject+m.Text+m.HTML, typed), typed)
	}
}

// TestNobodyAddsHeaders: whatever people call themselves, their organisations and their browsers, a mail has our headers, one recipient and one link: ours. Rooms that take
// names refuse line breaks before; this is the wall behind them.
func TestNobodyAddsHeaders(t *testing.T) {
	t.Parallel()
	box := &envelopes{}
	server := smtp.NewServer(box)
	server.Domain = "localhost"
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = listener.Close(); _ = server.Close(); <-done })
	sender, err := mail.NewSMTP("smtp+insecure://"+listener.Addr().String(), "post@massrouter.example", "MassRouter", nil)
	require.NoError(t, err)
	w, err := mail.NewWriter("https://massrouter.example")
	require.NoError(t, err)
	ours := []string{"Auto-Submitted", "Content-Type", "Date", "From", "Message-Id", "Mime-Version", "Subject", "To"}
	for _, hostile := range []string{
		"Acme\r\nBcc: eve@example.com", "Acme\nBcc: eve@example.com\n\nA body of their own", "Acme\rBcc: eve@example.com", "\r\n.\r\nMAIL FROM:<eve@example.com>\r\n",
		"\r\n\r\nhttps://evil.example/verify-email#x", "\nhttps://evil.example/reset-password#x\n", "=?utf-8?q?=0D=0ABcc:_eve@example.com?=", "Acme\u2028Bcc: eve@example.com\u0085x",
		"You won 500 USD: open https://evil.example/x", "see www.evil.example", "evil.example/x", "Acme\u202e\u200bmoc.elpmaxe", strings.Repeat("long ", 400),
	} {
		for _, kind := range []account.Kind{account.VerifyEmail, account.ConfirmEmail, account.EmailChanging, account.EmailChanged, account.PasswordChanged, account.SessionStolen, account.Invited} {
			for _, language := range []account.Language{account.English, account.Chinese} {
				secret := ""
				if kind.Link() != "" {
					secret = "s3cret"
				}
				m, err := w.Write(kind, language, map[string]string{"masked": hostile, "device": hostile, "organisation": hostile}, secret)
				require.NoError(t, err)
				m.ID, m.To = "1", to
				require.NoError(t, sender.Send(t.Context(), m))
				rcpt, text := box.take()
				require.Equal(t, []string{to}, rcpt)
				require.Len(t, text, 1)
				got, err := netmail.ReadMessage(strings.NewReader(text[0]))
				require.NoError(t, err)
				for name, values := range got.Header {
					require.Contains(t, ours, name, "%s %q", kind, hostile)
					require.Len(t, values, 1)
				}
				for _, line := range strings.Split(m.Text, "\n") {
					require.False(t, strings.HasPrefix(line, "http") && !strings.HasPrefix(line, "https://massrouter.example/"), "%s %q: a link that is not ours stands alone", kind, hostile)
				}
				require.NotContains(t, m.HTML, `href="https://evil.example`)
				if kind == account.Invited || kind == account.SessionStolen {
					for _, text := range []string{m.Subject, m.Text, m.HTML} {
						require.NotContains(t, text, "evil.example", "%s: a reader makes a link of it", kind)
						require.NotContains(t, text, "https:"+"//evil")
					}
				}
			}
		}
	}
	for _, hostile := range []address.Email{"ann@example.com\r\nBcc: eve@example.com", "ann@example.com, eve@example.com", "ann@example.com>\r\nRCPT TO:<eve@example.com"} {
		m := note
		m.To = hostile
		require.ErrorIs(t, sender.Send(t.Context(), m), mail.ErrRefused, "%q", hostile)
		rcpt, text := box.take()
		require.Empty(t, rcpt)
		require.Empty(t, text)
	}
	m := note
	m.Subject = "Hello\r\nBcc: eve@example.com"
	require.NoError(t, sender.Send(t.Context(), m))
	rcpt, text := box.take()
	require.Equal(t, []string{to}, rcpt)
	got, err := netmail.ReadMessage(strings.NewReader(text[0]))
	require.NoError(t, err)
	require.Empty(t, got.Header.Get("Bcc"))
}
