package sms

import (
	"crypto/hmac"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestAliyunsVector is the example of Alibaba Cloud's documentation of signature version 3.
func TestAliyunsVector(t *testing.T) {
	t.Parallel()
	a := &Aliyun{AccessKey: "YourAccessKeyId", Secret: "YourAccessKeySecret"}
	h := a.header("ecs.cn-shanghai.aliyuncs.com", "RunInstances", "2014-05-26", time.Date(2023, 10, 26, 10, 22, 32, 0, time.UTC), "3156853299f313e23d1673dc12e1703d",
		map[string]string{"ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd", "RegionId": "cn-shanghai"}, nil)
	require.Equal(t, "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,"+
		"Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0", h["Authorization"])
}

// TestTencentsVector is the example of Tencent Cloud's documentation of TC3-HMAC-SHA256.
func TestTencentsVector(t *testing.T) {
	t.Parallel()
	tc := &Tencent{SecretID: "AKID", Secret: strings.Repeat("*", 32)}
	body := `{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}`
	got := tc.authorization("cvm.tencentcloudapi.com", "cvm", "DescribeInstances", time.Unix(1551113065, 0), []byte(body))
	require.Equal(t, "TC3-HMAC-SHA256 Credential=AKID/2019-02-25/cvm/tc3_request, SignedHeaders=content-type;host;x-tc-action, "+
		"Signature=10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f", got)
}

func now() time.Time { return time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC) }

// provider stands in for one: it checks what it is sent by itself, and answers.
func provider(t *testing.T, check func(r *http.Request, body []byte) bool, answer func() (int, string)) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || !check(r, body) {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		status, text := answer()
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}))
	t.Cleanup(server.Close)
	return server
}

var code = Message{ID: "m1", To: "+8613800138000", Code: "012345", Language: "zh-CN"}

// outcomes are what a provider may say, and what comes of it.
func outcomes(t *testing.T, send func(status int, text string) (string, error), good, never, later string) {
	t.Helper()
	id, err := send(http.StatusOK, good)
	require.NoError(t, err)
	require.Equal(t, "id1", id)
	_, err = send(http.StatusOK, never)
	require.ErrorIs(t, err, ErrRefused)
	for _, text := range []string{later, "<html>", "", "[]"} {
		_, err = send(http.StatusOK, text)
		require.Error(t, err, text)
		require.NotErrorIs(t, err, ErrRefused, text)
		require.NotContains(t, err.Error(), code.Code)
	}
}

func TestAliyun(t *testing.T) {
	t.Parallel()
	answer := func() (int, string) { return 0, "" }
	a := &Aliyun{AccessKey: "ak", Secret: "sk", SignName: "签名", Template: map[string]string{"zh-CN": "SMS_1", "en": "SMS_2"}, Now: now, Client: http.DefaultClient}
	server := provider(t, func(r *http.Request, _ []byte) bool {
		q := r.URL.Query()
		sent := map[string]string{}
		for name := range q {
			sent[name] = q.Get(name)
		}
		want := a.header(r.Host, "SendSms", "2017-05-25", now(), r.Header.Get("X-Acs-Signature-Nonce"), sent, nil)
		return hmac.Equal([]byte(want["Authorization"]), []byte(r.Header.Get("Authorization"))) && q.Get("PhoneNumbers") == "13800138000" && q.Get("SignName") == "签名" &&
			q.Get("TemplateCode") == "SMS_1" && q.Get("TemplateParam") == `{"code":"012345"}` && q.Get("OutId") == "m1" && r.Header.Get("X-Acs-Date") == "2026-11-01T12:00:00Z"
	}, func() (int, string) { return answer() })
	a.Endpoint = server.URL
	outcomes(t, func(status int, text string) (string, error) {
		answer = func() (int, string) { return status, text }
		return a.Send(t.Context(), code)
	}, `{"Code":"OK","BizId":"id1"}`, `{"Code":"isv.MOBILE_NUMBER_ILLEGAL"}`, `{"Code":"isv.BUSINESS_LIMIT_CONTROL"}`)
}

func TestTencent(t *testing.T) {
	t.Parallel()
	answer := func() (int, string) { return 0, "" }
	tc := &Tencent{
		SecretID: "id", Secret: "sk", Region: "ap-guangzhou", AppID: "1400", SignName: "签名", Template: map[string]string{"zh-CN": "1"}, Now: now, Client: http.DefaultClient,
	}
	server := provider(t, func(r *http.Request, body []byte) bool {
		var sent struct {
			PhoneNumberSet, TemplateParamSet []string
			App                              string `json:"SmsSdkAppId"`
			Template                         string `json:"TemplateId"`
			SignName, SessionContext         string
		}
		return json.Unmarshal(body, &sent) == nil && r.Header.Get("Authorization") == tc.authorization(r.Host, "sms", "SendSms", now(), body) &&
			r.Header.Get("X-Tc-Timestamp") == "1793534400" && r.Header.Get("X-Tc-Action") == "SendSms" && sent.PhoneNumberSet[0] == "+8613800138000" && sent.TemplateParamSet[0] == "012345" &&
			sent.App == "1400" && sent.SignName == "签名" && sent.Template == "1" && sent.SessionContext == "m1"
	}, func() (int, string) { return answer() })
	tc.Endpoint = server.URL
	outcomes(t, func(status int, text string) (string, error) {
		answer = func() (int, string) { return status, text }
		return tc.Send(t.Context(), code)
	}, `{"Response":{"SendStatusSet":[{"SerialNo":"id1","Code":"Ok"}]}}`, `{"Response":{"SendStatusSet":[{"Code":"InvalidParameterValue.IncorrectPhoneNumber"}]}}`,
		`{"Response":{"Error":{"Code":"InternalError"}}}`)
	answer = func() (int, string) { return http.StatusOK, `{"Response":{}}` }
	_, err := tc.Send(t.Context(), code)
	require.Error(t, err)
}

func TestTwilio(t *testing.T) {
	t.Parallel()
	answer := func() (int, string) { return 0, "" }
	for _, from := range []string{"+15005550006", "MG123"} {
		tw := &Twilio{Account: "AC1", Token: "token", From: from, Text: map[string]string{"zh-CN": "验证码 {code}"}, Client: http.DefaultClient}
		server := provider(t, func(r *http.Request, body []byte) bool {
			user, secret, _ := r.BasicAuth()
			r.Body = io.NopCloser(strings.NewReader(string(body)))
			sender := r.FormValue("From") + r.FormValue("MessagingServiceSid")
			return user == "AC1" && secret == "token" && r.URL.Path == "/2010-04-01/Accounts/AC1/Messages.json" && r.FormValue("To") == string(code.To) &&
				r.FormValue("Body") == "验证码 012345" && sender == from
		}, func() (int, string) { return answer() })
		tw.Endpoint = server.URL
		outcomes(t, func(status int, text string) (string, error) {
			if text == "no" {
				status = http.StatusBadRequest
				text = `{"code":21211}`
			} else if status == http.StatusOK {
				status = http.StatusCreated
			}
			answer = func() (int, string) { return status, text }
			return tw.Send(t.Context(), code)
		}, `{"sid":"id1"}`, "no", `{"code":20429}`)
	}
}

func TestAProviderThatIsAway(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	for _, sender := range []Sender{
		&Aliyun{Endpoint: server.URL, Now: now, Client: http.DefaultClient}, &Tencent{Endpoint: server.URL, Now: now, Client: http.DefaultClient},
		&Twilio{Endpoint: server.URL, Client: http.DefaultClient},
	} {
		_, err := sender.Send(t.Context(), code)
		require.Error(t, err)
		require.NotErrorIs(t, err, ErrRefused)
	}
}
