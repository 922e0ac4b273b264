package oauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// wechat is like OAuth 2, with names and answers of its own: the token is got with GET and the secret in the address, errors have status 200 and
// errcode, and the content type says nothing. There is no PKCE and no mailbox. Somebody is known by unionid: openid is another one in each app.
// https://developers.weixin.qq.com/doc/oplatform/Website_App/WeChat_Login/Wechat_Login.html
type wechat struct {
	c      Config
	client *http.Client
}

// Authorize implements Provider.
func (w *wechat) Authorize(_ context.Context, a Ask) (string, error) {
	return w.c.AuthorizeURL + "?" + url.Values{
		"appid": {w.c.ClientID}, "redirect_uri": {a.Redirect}, "response_type": {"code"}, "scope": {"snsapi_login"}, "state": {a.State},
	}.Encode() + "#wechat_redirect", nil
}

// wechatError is in every answer; zero when there is none.
type wechatError struct {
	Code    int    `json:"errcode"`
	Message string `json:"errmsg"`
}

// Errors of the code: it is wrong, over, or was used before.
const (
	wechatCodeWrong = 40029
	wechatCodeUsed  = 40163
	wechatCodeOver  = 42003
)

func (e wechatError) err() error {
	switch e.Code {
	case 0:
		return nil
	case wechatCodeWrong, wechatCodeUsed, wechatCodeOver:
		return refused(fmt.Sprintf("errcode %d", e.Code))
	}
	return failed(fmt.Errorf("errcode %d: %s", e.Code, plain(e.Message)))
}

// Identify implements Provider.
func (w *wechat) Identify(ctx context.Context, r Return) (Claims, error) {
	var token struct {
		wechatError
		AccessToken string `json:"access_token"`
		OpenID      string `json:"openid"`
		UnionID     string `json:"unionid"`
	}
	address := w.c.TokenURL + "?" + url.Values{"appid": {w.c.ClientID}, "secret": {w.c.ClientSecret}, "code": {r.Code}, "grant_type": {"authorization_code"}}.Encode()
	if err := get(ctx, w.client, address, nil, &token); err != nil {
		return Claims{}, failed(err)
	}
	if err := token.err(); err != nil {
		return Claims{}, err
	}
	if token.AccessToken == "" || token.OpenID == "" {
		return Claims{}, failed(errors.New("there is no token"))
	}
	var user struct {
		wechatError
		OpenID   string `json:"openid"`
		UnionID  string `json:"unionid"`
		Nickname string `json:"nickname"`
	}
	address = w.c.APIURL + "/sns/userinfo?" + url.Values{"access_token": {token.AccessToken}, "openid": {token.OpenID}, "lang": {"zh_CN"}}.Encode()
	if err := get(ctx, w.client, address, nil, &user); err != nil {
		return Claims{}, failed(err)
	}
	if err := user.err(); err != nil {
		return Claims{}, err
	}
	if user.OpenID != token.OpenID || token.UnionID != "" && user.UnionID != "" && user.UnionID != token.UnionID {
		return Claims{}, failed(errors.New("the user is not the token's"))
	}
	c, ok := claims(cmp.Or(token.UnionID, user.UnionID), "", false, user.Nickname)
	if !ok {
		return Claims{}, failed(errors.New("there is no unionid: the app has to belong to an account of the open platform"))
	}
	return c, nil
}
