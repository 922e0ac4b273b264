// Package mail sends what people are to be told. What is sent was written to identity.mails with the change that it tells of, so that nothing is told
// that did not happen, and nothing that happened is not told: a mail is sent at least once.
//
//	follow.go  notes what the ledger has to be told of
//	worker.go  takes what is due, sends it, tries again
//	cap.go     how many come to a mailbox
//	write.go   the words, in two languages: words/
//	smtp.go    hands a message to a mail server
package mail

import (
	"context"
	"errors"

	"github.com/massrouter/massrouter/identity/address"
)

// Message is a mail as it is sent.
type Message struct {
	ID      string // the same each time one is tried again: mail servers and readers may drop the second
	To      address.Email
	Subject string
	Text    string
	HTML    string
}

// Sender hands messages to a mail server.
type Sender interface {
	// Send returns when the server has taken the message. An error that wraps ErrRefused will not go away by trying again.
	Send(ctx context.Context, m Message) error
}

// ErrRefused is of messages that a server will never take: there is no such mailbox, mostly.
var ErrRefused = errors.New("the mail server refuses the message for good")
