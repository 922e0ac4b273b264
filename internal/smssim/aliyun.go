package smssim

import (
	"crypto/hmac"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// Aliyun is Dysmsapi, version 2017-05-25.
type Aliyun struct {
	Provider
	Key, Secret, Sign string
	Templates         []string
}

// NewAliyun starts one.
func NewAliyun(t *testing.T) *Aliyun {
	t.Helper()
	a := &Aliyun{Key: "LTAIsim", Secret: "aliyun-sim-secret-7f1c", Sign: "签名", Templates: []string{"SMS_1", "SMS_2"}} //nolint:gosec // of a simulator
	a.start(t, a.send)
	return a
}

var (
	aliyunAuthorization = regexp.MustCompile(`^ACS3-HMAC-SHA256 Credential=([^,]+),SignedHeaders=([^,]+),Signature=([0-9a-f]{64})$`)
	aliyunNumber        = regexp.MustCompile(`^(1[0-9]{10}|[1-9][0-9]{7,14})$`) // Chinese ones without, all others with their calling code; never with a plus
)

func (a *Aliyun) send(w http.ResponseWriter, r *http.Request, body []byte) {
	code, q := "OK", r.URL.Query()
	var parameter map[string]string
	switch {
	case !a.signed(r, body):
		code = "SignatureDoesNotMatch"
	case !a.want(r.Method == http.MethodPost && r.URL.Path == "/" && r.Header.Get("X-Acs-Action") == "SendSms" && r.Header.Get("X-Acs-Version") == "2017-05-25", "Aliyun: not SendSms"):
		code = "InvalidAction.NotFound"
	case !a.want(aliyunNumber.MatchString(q.Get("PhoneNumbers")), "Aliyun: PhoneNumbers"):
		code = "isv.MOBILE_NUMBER_ILLEGAL"
	case !a.want(q.Get("SignName") == a.Sign, "Aliyun: SignName"):
		code = "isv.SMS_SIGNATURE_ILLEGAL"
	case !a.want(slices.Contains(a.Templates, q.Get("TemplateCode")), "Aliyun: TemplateCode"):
		code = "isv.SMS_TEMPLATE_ILLEGAL"
	case !a.want(json.Unmarshal([]byte(q.Get("TemplateParam")), &parameter) == nil && len(parameter) == 1 && isCode(parameter["code"]), "Aliyun: TemplateParam"):
		code = "isv.TEMPLATE_MISSING_PARAMETERS"
	}
	answer := map[string]string{"RequestId": "F655A8D5-B967-440B-8683-DAD6FF8DE990", "Message": code}
	if code == "OK" {
		id, refused := a.take(Message{To: q.Get("PhoneNumbers"), Code: parameter["code"], Template: q.Get("TemplateCode"), ID: q.Get("OutId")})
		if answer["BizId"] = id; refused != "" {
			code = refused
		}
	}
	answer["Code"] = code
	_ = json.NewEncoder(w).Encode(answer) // with status 200, whatever it says
}

// signed checks the signature (version 3) by what the request says of itself.
func (a *Aliyun) signed(r *http.Request, body []byte) bool {
	at := aliyunAuthorization.FindStringSubmatch(r.Header.Get("Authorization"))
	if !a.want(at != nil && at[1] == a.Key, "Aliyun: Authorization") {
		return false
	}
	when, err := time.Parse("2006-01-02T15:04:05Z", r.Header.Get("X-Acs-Date"))
	age := time.Since(when).Abs()
	if !a.want(err == nil && age < 15*time.Minute, "Aliyun: x-acs-date") || !a.want(a.once(r.Header.Get("X-Acs-Signature-Nonce")), "Aliyun: the nonce was used") {
		return false
	}
	names := strings.Split(at[2], ";")
	a.want(slices.IsSorted(names), "Aliyun: the signed headers are in no order")
	for _, must := range []string{"host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"} {
		a.want(slices.Contains(names, must), "Aliyun: %s is not signed", must)
	}
	headers := ""
	for _, name := range names {
		value := r.Header.Get(name)
		if name == "host" {
			value = r.Host
		}
		headers += name + ":" + value + "\n"
	}
	q := r.URL.Query()
	keys := make([]string, 0, len(q))
	for key := range q {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	rfc3986 := func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
	for i, key := range keys {
		keys[i] = rfc3986(key) + "=" + rfc3986(q.Get(key))
	}
	canonical := "POST\n/\n" + strings.Join(keys, "&") + "\n" + headers + "\n" + at[2] + "\n" + hexSum(body)
	want := hex.EncodeToString(mac([]byte(a.Secret), "ACS3-HMAC-SHA256\n"+hexSum([]byte(canonical))))
	return a.want(hmac.Equal([]byte(want), []byte(at[3])), "Aliyun: the signature")
}
