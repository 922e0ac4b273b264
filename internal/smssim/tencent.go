package smssim

import (
	"crypto/hmac"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"
)

// Tencent is SMS, version 2021-01-11.
type Tencent struct {
	Provider
	ID, Secret, App, Sign, Region string
	Templates                     []string
}

// NewTencent starts one.
func NewTencent(t *testing.T) *Tencent {
	t.Helper()
	c := &Tencent{ID: "AKIDsim", Secret: "tencent-sim-secret-93ab", App: "1400006666", Sign: "签名", Region: "ap-guangzhou", Templates: []string{"1001", "1002"}} //nolint:gosec // of a simulator
	c.start(t, c.send)
	return c
}

var (
	tencentAuthorization = regexp.MustCompile(`^TC3-HMAC-SHA256 Credential=([^/]+)/([0-9-]{10})/sms/tc3_request, SignedHeaders=content-type;host;x-tc-action, Signature=([0-9a-f]{64})$`)
	tencentNumber        = regexp.MustCompile(`^\+[1-9][0-9]{7,14}$`)
)

func (c *Tencent) send(w http.ResponseWriter, r *http.Request, body []byte) {
	answer := map[string]any{"RequestId": "a0aabda6-cf91-4f3e-a81f-9198114a2279"}
	defer func() { _ = json.NewEncoder(w).Encode(map[string]any{"Response": answer}) }() // with status 200, whatever it says
	fail := func(code string) { answer["Error"] = map[string]string{"Code": code, "Message": code} }
	if !c.signed(r, body) {
		fail("AuthFailure.SignatureFailure")
		return
	}
	if !c.want(r.Header.Get("X-Tc-Action") == "SendSms" && r.Header.Get("X-Tc-Version") == "2021-01-11" && r.Header.Get("X-Tc-Region") == c.Region, "Tencent: not SendSms") {
		fail("InvalidAction")
		return
	}
	var sent struct {
		PhoneNumberSet, TemplateParamSet                           []string
		SmsSdkAppId, SignName, TemplateId, SessionContext, Comment string //nolint:revive,staticcheck // as Tencent calls them
	}
	if !c.want(json.Unmarshal(body, &sent) == nil && len(sent.PhoneNumberSet) == 1, "Tencent: the body") {
		fail("InvalidParameter")
		return
	}
	status := map[string]any{"PhoneNumber": sent.PhoneNumberSet[0], "Fee": 0, "SessionContext": sent.SessionContext, "IsoCode": "", "SerialNo": ""}
	code := "Ok"
	switch {
	case !c.want(tencentNumber.MatchString(sent.PhoneNumberSet[0]), "Tencent: PhoneNumberSet"):
		code = "InvalidParameterValue.IncorrectPhoneNumber"
	case !c.want(sent.SmsSdkAppId == c.App, "Tencent: SmsSdkAppId"):
		code = "UnauthorizedOperation.SmsSdkAppIdVerifyFail"
	case !c.want(sent.SignName == c.Sign, "Tencent: SignName"), !c.want(slices.Contains(c.Templates, sent.TemplateId), "Tencent: TemplateId"):
		code = "FailedOperation.TemplateIncorrectOrUnapproved"
	case !c.want(len(sent.TemplateParamSet) == 1 && isCode(sent.TemplateParamSet[0]), "Tencent: TemplateParamSet"):
		code = "FailedOperation.TemplateParamSetNotMatchApprovedTemplate"
	default:
		id, refused := c.take(Message{To: sent.PhoneNumberSet[0], Code: sent.TemplateParamSet[0], Template: sent.TemplateId, ID: sent.SessionContext})
		if status["SerialNo"] = id; refused != "" {
			code = refused
		}
	}
	status["Code"], status["Message"] = code, code
	answer["SendStatusSet"] = []any{status}
}

// signed checks TC3-HMAC-SHA256 by what the request says of itself.
func (c *Tencent) signed(r *http.Request, body []byte) bool {
	at := tencentAuthorization.FindStringSubmatch(r.Header.Get("Authorization"))
	if !c.want(at != nil && at[1] == c.ID, "Tencent: Authorization") {
		return false
	}
	stamp := r.Header.Get("X-Tc-Timestamp")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	when := time.Unix(seconds, 0).UTC()
	age := time.Since(when).Abs()
	if !c.want(err == nil && age < 5*time.Minute && when.Format("2006-01-02") == at[2], "Tencent: the time") {
		return false
	}
	canonical := "POST\n/\n\ncontent-type:" + r.Header.Get("Content-Type") + "\nhost:" + r.Host + "\nx-tc-action:sendsms\n\ncontent-type;host;x-tc-action\n" + hexSum(body)
	day := mac([]byte("TC3"+c.Secret), at[2])
	key := mac(mac(day, "sms"), "tc3_request")
	want := hex.EncodeToString(mac(key, "TC3-HMAC-SHA256\n"+stamp+"\n"+at[2]+"/sms/tc3_request\n"+hexSum([]byte(canonical))))
	return c.want(hmac.Equal([]byte(want), []byte(at[3])), "Tencent: the signature")
}
