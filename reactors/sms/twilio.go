package sms

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Twilio sends by Twilio's Messages resource (2010-04-01).
type Twilio struct {
	Endpoint string // https://api.twilio.com
	Account  string // SID
	Token    string
	From     string            // a number, or a messaging service (MG…)
	Text     map[string]string // by language; {code} is the code
	Client   *http.Client
}

// Send implements Sender.
func (t *Twilio) Send(ctx context.Context, m Message) (string, error) {
	form := url.Values{"To": {string(m.To)}, "Body": {strings.ReplaceAll(t.Text[m.Language], "{code}", m.Code)}}
	if strings.HasPrefix(t.From, "MG") {
		form.Set("MessagingServiceSid", t.From)
	} else {
		form.Set("From", t.From)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.Endpoint+"/2010-04-01/Accounts/"+url.PathEscape(t.Account)+"/Messages.json", strings.NewReader(form.Encode()))
	if err != nil {
		return "", fmt.Errorf("call Twilio: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(t.Account, t.Token)
	var answer struct {
		SID  string `json:"sid"`
		Code int    `json:"code"`
	}
	status, err := call(ctx, t.Client, r, &answer)
	switch {
	case err != nil:
		return "", err
	case status == http.StatusCreated && answer.SID != "":
		return answer.SID, nil
	case status == http.StatusBadRequest:
		return "", fmt.Errorf("%w: %d", ErrRefused, answer.Code)
	}
	return "", fmt.Errorf("Twilio does not take the message now: status %d, code %d", status, answer.Code)
}
