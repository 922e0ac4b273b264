// Package sms hands short messages to those who deliver them: Aliyun and Tencent, whose messages are templates that they have approved, and Twilio.
//
//	aliyun.go   ACS3-HMAC-SHA256
//	tencent.go  TC3-HMAC-SHA256
//	twilio.go   basic authentication
package sms

import (
	"context"
	"errors"
	"regexp"
	"strings"

	"github.com/massrouter/massrouter/domain"
)

// Number is a telephone number in its international form (E.164): +8613800138000.
type Number string

var e164 = regexp.MustCompile(`^\+[1-9][0-9]{7,14}$`)

// ParseNumber reads a number as it was typed, with spaces, hyphens and brackets. Errors: invalid_request, "phone".
func ParseNumber(typed string) (Number, error) {
	text := strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", "\u00a0", "").Replace(typed)
	if rest, ok := strings.CutPrefix(text, "00"); ok {
		text = "+" + rest
	}
	if !e164.MatchString(text) {
		return "", domain.Errorf(domain.CodeInvalid, "a telephone number is in its international form, such as +8613800138000").With("param", "phone")
	}
	return Number(text), nil
}

// Chinese says whether a number is of mainland China, where every message is a template that was approved.
func (n Number) Chinese() bool { return strings.HasPrefix(string(n), "+86") && len(n) == 14 }

// Masked is the number for its owner, who knows the rest: +86*******8000.
func (n Number) Masked() string {
	return string(n[:3]) + strings.Repeat("*", len(n)-7) + string(n[len(n)-4:])
}

// Message is a one-time code for a number.
type Message struct {
	ID       string // of the attempt; answered by some, so that a status can be found
	To       Number
	Code     string
	Language string // en or zh-CN
}

// Sender hands messages to a provider.
type Sender interface {
	// Send returns the provider's id of the message. An error that wraps ErrRefused will not go away by trying again.
	Send(ctx context.Context, m Message) (id string, err error)
}

// ErrRefused is of messages that a provider will never take.
var ErrRefused = errors.New("the provider refuses the message for good")
