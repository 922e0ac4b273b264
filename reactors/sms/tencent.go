package sms

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Tencent sends by Tencent Cloud's SMS (version 2021-01-11, TC3-HMAC-SHA256).
type Tencent struct {
	Endpoint string // https://sms.tencentcloudapi.com
	SecretID string
	Secret   string
	Region   string
	AppID    string
	SignName string
	Template map[string]string // by language: a template with the one variable {1}
	Client   *http.Client
	Now      func() time.Time
}

const tencentType = "application/json; charset=utf-8"

// Send implements Sender.
func (t *Tencent) Send(ctx context.Context, m Message) (string, error) {
	body, err := json.Marshal(map[string]any{
		"PhoneNumberSet": []string{string(m.To)}, "SmsSdkAppId": t.AppID, "SignName": t.SignName, "TemplateId": t.Template[m.Language],
		"TemplateParamSet": []string{m.Code}, "SessionContext": m.ID,
	})
	if err != nil {
		return "", fmt.Errorf("write a short message: %w", err)
	}
	u, err := url.Parse(t.Endpoint)
	if err != nil {
		return "", fmt.Errorf("the address of Tencent: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.Endpoint, bytes.NewReader(body))
	if err != nil {
		return "", fmt.Errorf("call Tencent: %w", err)
	}
	at := t.Now()
	for name, value := range map[string]string{
		"Content-Type": tencentType, "X-TC-Action": "SendSms", "X-TC-Version": "2021-01-11", "X-TC-Region": t.Region, "X-TC-Timestamp": strconv.FormatInt(at.Unix(), 10),
		"Authorization": t.authorization(u.Host, "sms", "SendSms", at, body),
	} {
		r.Header.Set(name, value)
	}
	var answer struct {
		Response struct {
			Error         *struct{ Code string }
			SendStatusSet []struct{ SerialNo, Code string }
		}
	}
	if _, err := call(ctx, t.Client, r, &answer); err != nil {
		return "", err
	}
	code := "no status"
	if e := answer.Response.Error; e != nil {
		code = e.Code
	} else if all := answer.Response.SendStatusSet; len(all) == 1 {
		if code = all[0].Code; code == "Ok" {
			return all[0].SerialNo, nil
		}
	}
	if strings.HasPrefix(code, "InvalidParameterValue") || strings.HasPrefix(code, "FailedOperation.PhoneNumber") || strings.HasPrefix(code, "UnsupportedOperation") {
		return "", fmt.Errorf("%w: %s", ErrRefused, code)
	}
	return "", fmt.Errorf("Tencent does not take the message now: %s", code)
}

// authorization signs a request: https://cloud.tencent.com/document/api/382/52071.
func (t *Tencent) authorization(host, service, action string, at time.Time, body []byte) string {
	const algorithm, signed = "TC3-HMAC-SHA256", "content-type;host;x-tc-action"
	canonical := strings.Join([]string{
		http.MethodPost, "/", "", "content-type:" + tencentType + "\nhost:" + host + "\nx-tc-action:" + strings.ToLower(action) + "\n", signed, digest(body),
	}, "\n")
	date := at.UTC().Format(time.DateOnly)
	scope := date + "/" + service + "/tc3_request"
	text := strings.Join([]string{algorithm, strconv.FormatInt(at.Unix(), 10), scope, digest([]byte(canonical))}, "\n")
	key := sign(sign(sign([]byte("TC3"+t.Secret), date), service), "tc3_request")
	return algorithm + " Credential=" + t.SecretID + "/" + scope + ", SignedHeaders=" + signed + ", Signature=" + hex.EncodeToString(sign(key, text))
}
