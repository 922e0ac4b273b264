package program

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/devmail"
	"github.com/massrouter/massrouter/identity/account"
	"github.com/massrouter/massrouter/identity/phone"
	"github.com/massrouter/massrouter/reactors/sms"
)

// newPhones keeps telephone numbers, whether or not there are messages: who has one goes on being asked for it.
func (p *Program) newPhones() *phone.Store {
	c := p.o.Config.SMS
	return phone.New(p.pool, phone.Options{
		Now: time.Now, Countries: c.Countries(), Excluded: c.Excluded(), Caps: phone.Caps{CountryDay: c.SMSCountryDaily},
		Tell: func(ctx context.Context, tx pgx.Tx, user uuid.UUID, removed bool) error {
			kind := account.PhoneAdded
			if removed {
				kind = account.PhoneRemoved
			}
			return account.TellOnce(ctx, tx, user, kind, nil, time.Now())
		},
	})
}

// messagesWork sends text messages.
func (p *Program) messagesWork() (stage, error) {
	if !p.people.phones.On() {
		return nil, nil
	}
	var sender sms.Sender
	switch c := p.o.Config; {
	case c.SMS.HasProvider():
		// A provider that leads elsewhere is not followed: the code would go there.
		client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		sender = c.SMS.Route(c.People.MailName, client)
	case p.people.outbox != nil:
		sender = devmail.Phones{Box: p.people.outbox, Name: c.People.MailName}
	default:
		p.o.Log.Warn().Msg("text messages are not sent: there is no provider, and mails are sent, so that none are shown")
		return nil, nil
	}
	messages := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "massrouter_text_messages_total", Help: "Attempts of this process to send a text message, by purpose and outcome: sent, retry, failed, late or gone.",
	}, []string{"purpose", "outcome"})
	if err := register(p.registry, messages); err != nil {
		return nil, err
	}
	worker := sms.NewWorker(p.workers, p.people.phones, sender, sms.Options{
		Now: time.Now, OnError: p.complain("text messages could not be worked on and are tried again"),
		OnEnd: func(purpose phone.Purpose, outcome string) { messages.WithLabelValues(string(purpose), outcome).Inc() },
	})
	return stage{{"text messages", func(ctx context.Context) error {
		worker.Run(ctx)
		return nil
	}}}, nil
}
