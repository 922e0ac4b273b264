package sms

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Aliyun sends by Alibaba Cloud's Dysmsapi (version 2017-05-25, signature version 3).
type Aliyun struct {
	Endpoint  string // https://dysmsapi.aliyuncs.com
	AccessKey string
	Secret    string
	SignName  string
	Template  map[string]string // by language: a template with the one variable "code"
	Client    *http.Client
	Now       func() time.Time
}

// Send implements Sender. The answer says in its body whether it worked, not by its status.
func (a *Aliyun) Send(ctx context.Context, m Message) (string, error) {
	parameter, err := json.Marshal(map[string]string{"code": m.Code})
	if err != nil {
		return "", fmt.Errorf("write a short message: %w", err)
	}
	query := map[string]string{
		"PhoneNumbers": strings.TrimPrefix(string(m.To), "+"), "SignName": a.SignName, "TemplateCode": a.Template[m.Language], "TemplateParam": string(parameter), "OutId": m.ID,
	}
	if m.To.Chinese() {
		query["PhoneNumbers"] = strings.TrimPrefix(string(m.To), "+86")
	}
	u, err := url.Parse(a.Endpoint)
	if err != nil {
		return "", fmt.Errorf("the address of Aliyun: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.Endpoint+"/?"+queryOf(query), http.NoBody)
	if err != nil {
		return "", fmt.Errorf("call Aliyun: %w", err)
	}
	for name, value := range a.header(u.Host, "SendSms", "2017-05-25", a.Now(), uuid.NewString(), query, nil) {
		r.Header.Set(name, value)
	}
	var answer struct {
		Code string
		ID   string `json:"BizId"`
	}
	if _, err := call(ctx, a.Client, r, &answer); err != nil {
		return "", err
	}
	switch {
	case answer.Code == "OK":
		return answer.ID, nil
	case strings.HasPrefix(answer.Code, "isv.") && answer.Code != "isv.BUSINESS_LIMIT_CONTROL":
		return "", fmt.Errorf("%w: %s", ErrRefused, answer.Code)
	}
	return "", fmt.Errorf("Aliyun does not take the message now: %s", answer.Code)
}

// header signs a request: https://help.aliyun.com/zh/sdk/product-overview/v3-request-structure-and-signature.
func (a *Aliyun) header(host, action, version string, at time.Time, nonce string, query map[string]string, body []byte) map[string]string {
	h := map[string]string{
		"host": host, "x-acs-action": action, "x-acs-version": version, "x-acs-date": at.UTC().Format("2006-01-02T15:04:05Z"),
		"x-acs-signature-nonce": nonce, "x-acs-content-sha256": digest(body),
	}
	names := make([]string, 0, len(h))
	for name := range h {
		names = append(names, name)
	}
	sort.Strings(names)
	var lines strings.Builder
	for _, name := range names {
		lines.WriteString(name + ":" + strings.TrimSpace(h[name]) + "\n")
	}
	signed := strings.Join(names, ";")
	canonical := strings.Join([]string{http.MethodPost, "/", queryOf(query), lines.String(), signed, h["x-acs-content-sha256"]}, "\n")
	const algorithm = "ACS3-HMAC-SHA256"
	signature := hex.EncodeToString(sign([]byte(a.Secret), algorithm+"\n"+digest([]byte(canonical))))
	h["Authorization"] = algorithm + " Credential=" + a.AccessKey + ",SignedHeaders=" + signed + ",Signature=" + signature
	delete(h, "host") // the connection's
	return h
}
