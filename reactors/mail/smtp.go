package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/massrouter/massrouter/identity/address"
)

// sendTime is how long one message may take, from the connection to the server's word that it has it.
const sendTime = 30 * time.Second

// SMTP hands messages to one mail server, each on a connection of its own.
type SMTP struct {
	client func() (*gomail.Client, error)
	from   string
	name   string
}

// NewSMTP reads the address of a mail server: smtps://user:password@host:465 speaks TLS from the beginning, smtp://… by STARTTLS, which the server must have;
// smtp+insecure://… is for servers on the own machine. from is the mailbox that messages come from, name how it is shown. roots are the authorities that
// certificates are checked with; nil means the system's.
func NewSMTP(server, from, name string, roots *x509.CertPool) (*SMTP, error) {
	u, err := url.Parse(server)
	if err != nil || u.Hostname() == "" || u.Path != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("the address of the mail server is like smtps://user:password@mail.example.com:465") // without what was given: it has a password
	}
	sender, err := address.Parse(from)
	if err != nil {
		return nil, fmt.Errorf("the address that mails come from: %w", err)
	}
	options := []gomail.Option{
		gomail.WithTimeout(sendTime), gomail.WithTLSConfig(&tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12, RootCAs: roots}), gomail.WithoutNoop(),
	}
	port := 587
	switch u.Scheme {
	case "smtps":
		port = 465
		options = append(options, gomail.WithSSL(), gomail.WithTLSPolicy(gomail.NoTLS))
	case "smtp":
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	case "smtp+insecure":
		port = 25
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	default:
		return nil, errors.New("the address of the mail server begins with smtps, smtp or smtp+insecure")
	}
	if u.Port() != "" {
		if port, err = strconv.Atoi(u.Port()); err != nil {
			return nil, errors.New("the port of the mail server is no number")
		}
	}
	options = append(options, gomail.WithPort(port))
	if password, ok := u.User.Password(); ok {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(u.User.Username()), gomail.WithPassword(password))
	}
	s := &SMTP{from: string(sender), name: name, client: func() (*gomail.Client, error) { return gomail.NewClient(u.Hostname(), options...) }}
	if _, err := s.client(); err != nil {
		return nil, errors.New("the settings of the mail server cannot be used")
	}
	return s, nil
}

// Send implements Sender.
func (s *SMTP) Send(ctx context.Context, m Message) error {
	ctx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	letter := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := errors.Join(letter.FromFormat(s.name, s.from), letter.To(string(m.To))); err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	letter.Subject(m.Subject)
	letter.SetMessageIDWithValue(m.ID + "@" + address.Email(s.from).Domain())
	letter.SetDate()
	letter.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no holiday answers
	letter.SetBodyString(gomail.TypeTextPlain, m.Text)
	letter.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	client, err := s.client()
	if err != nil {
		return fmt.Errorf("prepare to send mail: %w", err)
	}
	if err := client.DialAndSendWithContext(ctx, letter); err != nil {
		var refused *gomail.SendError
		if errors.As(err, &refused) && !refused.IsTemp() && refused.ErrorCode() >= 500 {
			return fmt.Errorf("%w: %w", ErrRefused, err)
		}
		return fmt.Errorf("send mail: %w", err)
	}
	return nil
}
