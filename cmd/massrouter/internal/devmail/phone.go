package devmail

import (
	"context"
	"strings"

	"github.com/massrouter/massrouter/identity/address"
	"github.com/massrouter/massrouter/reactors/mail"
	"github.com/massrouter/massrouter/reactors/sms"
)

// Phones is a sms.Sender that puts text messages among the mails that are not sent.
type Phones struct {
	Box  *mail.Outbox
	Name string // of the service
}

// Send implements sms.Sender.
func (p Phones) Send(ctx context.Context, m sms.Message) (string, error) {
	text := strings.ReplaceAll(sms.Words(p.Name)[m.Language], "{code}", m.Code)
	return m.ID, p.Box.Send(ctx, mail.Message{ID: m.ID, To: address.Email(m.To), Subject: "Text message", Text: text})
}
