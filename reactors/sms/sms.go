// Package sms hands short messages to those who deliver them: Aliyun and Tencent, whose messages are templates that they have approved, and Twilio.
//
//	aliyun.go   ACS3-HMAC-SHA256
//	tencent.go  TC3-HMAC-SHA256
//	twilio.go   basic authentication
//	worker.go   takes what is due, makes its code, sends it, tries again
//	route.go    who sends what
//	words.go    the words, where they are ours
//
// What is sent was written to identity.messages with what it follows from. The code of a message is made when it is sent, so that none lies in the database.
package sms

import (
	"context"
	"errors"

	"github.com/massrouter/massrouter/identity/phone"
)

// Message is a one-time code for a number.
type Message struct {
	ID       string // answered by some, so that a status can be found
	To       phone.Number
	Code     string
	Language string // en or zh-CN
	Attempt  int    // from 1
}

// Sender hands messages to a provider.
type Sender interface {
	// Send returns the provider's id of the message. An error that wraps ErrRefused will not go away by trying again.
	Send(ctx context.Context, m Message) (id string, err error)
}

// ErrRefused is of messages that a provider will never take.
var ErrRefused = errors.New("the provider refuses the message for good")
