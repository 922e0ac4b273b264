package smssim

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"testing"
)

// Twilio is the Messages resource, 2010-04-01.
type Twilio struct {
	Provider
	Account, Token, From string
}

// NewTwilio starts one.
func NewTwilio(t *testing.T) *Twilio {
	t.Helper()
	c := &Twilio{Account: "ACsim", Token: "twilio-sim-token-5d20", From: "+15005550006"} //nolint:gosec // of a simulator
	c.start(t, c.send)
	return c
}

var (
	twilioNumber = regexp.MustCompile(`^\+[1-9][0-9]{7,14}$`)
	sixDigits    = regexp.MustCompile(`\b[0-9]{6}\b`)
)

func (c *Twilio) send(w http.ResponseWriter, r *http.Request, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	fail := func(status, code int) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]any{"code": code, "message": "no", "more_info": "https://www.twilio.com/docs/errors/" + strconv.Itoa(code), "status": status})
	}
	user, token, _ := r.BasicAuth()
	if !c.want(user == c.Account && token == c.Token, "Twilio: who it is") {
		fail(http.StatusUnauthorized, 20003)
		return
	}
	if !c.want(r.Method == http.MethodPost && r.URL.Path == "/2010-04-01/Accounts/"+c.Account+"/Messages.json", "Twilio: the resource") {
		fail(http.StatusNotFound, 20404)
		return
	}
	form, err := url.ParseQuery(string(body))
	if !c.want(err == nil && r.Header.Get("Content-Type") == "application/x-www-form-urlencoded" && form.Get("From") == c.From, "Twilio: the form") {
		fail(http.StatusBadRequest, 21603)
		return
	}
	code := sixDigits.FindString(form.Get("Body"))
	if !c.want(twilioNumber.MatchString(form.Get("To")) && code != "", "Twilio: To and Body") {
		fail(http.StatusBadRequest, 21211)
		return
	}
	id, refused := c.take(Message{To: form.Get("To"), Code: code})
	if refused != "" {
		number, err := strconv.Atoi(refused)
		c.want(err == nil, "the test refuses with a number")
		fail(http.StatusBadRequest, number)
		return
	}
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(map[string]any{"sid": id, "status": "queued", "error_code": nil})
}
