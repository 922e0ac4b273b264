package oauthsim

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// WeChat simulates sign-in at websites by WeChat's open platform.
type WeChat struct {
	service
	lock sync.Mutex
	user WeChatUser
}

// WeChatUser is who scans the code.
type WeChatUser struct {
	OpenID   string
	UnionID  string // "" when the app belongs to no account of the platform
	Nickname string
	Denies   bool
	Late     bool // unionid comes with the user only, not with the token
}

// NewWeChat starts WeChat.
func NewWeChat(t *testing.T, app App) *WeChat {
	t.Helper()
	s := &WeChat{service: service{App: app}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /connect/qrconnect", s.authorize)
	mux.HandleFunc("/sns/oauth2/access_token", s.exchange)
	mux.HandleFunc("/sns/userinfo", s.info)
	s.start(t, mux)
	return s
}

// SignIn sets who scans the code.
func (s *WeChat) SignIn(u WeChatUser) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.user = u
}

func (s *WeChat) person() WeChatUser {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.user
}

// Scan is Visit, but the address has to have the fragment without which phones show an error.
func (s *WeChat) Scan(t *testing.T, address string) *url.URL {
	t.Helper()
	s.want(strings.HasSuffix(address, "#wechat_redirect"), "the address does not end with #wechat_redirect")
	return Visit(t, address)
}

func (s *WeChat) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	s.only(q, "appid", "redirect_uri", "response_type", "scope", "state")
	s.want(q.Get("appid") == s.ID, "appid is %q", q.Get("appid"))
	s.want(q.Get("response_type") == "code" && q.Get("scope") == "snsapi_login", "response_type and scope are %q, %q", q.Get("response_type"), q.Get("scope"))
	s.want(q.Get("redirect_uri") == s.Redirect, "redirect_uri is %q", q.Get("redirect_uri"))
	if s.person().Denies {
		back(w, r, s.Redirect, url.Values{"state": q["state"]}) // nothing else says no
		return
	}
	back(w, r, s.Redirect, url.Values{"code": {s.grant(grant{})}, "state": q["state"]})
}

// say answers as WeChat does: status 200 and text/plain, whatever it is.
func say(w http.ResponseWriter, v map[string]any) {
	w.Header().Set("Content-Type", "text/plain")
	_ = json.NewEncoder(w).Encode(v)
}

func no(w http.ResponseWriter, code int, message string) {
	say(w, map[string]any{"errcode": code, "errmsg": message + ", rid: 6741a3d2-2b1c"})
}

func (s *WeChat) exchange(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	s.only(q, "appid", "secret", "code", "grant_type")
	if !s.want(r.Method == http.MethodGet, "the method is %s", r.Method) {
		no(w, 43001, "require GET method")
		return
	}
	_, ok := s.use(q.Get("code"))
	switch {
	case q.Get("appid") != s.ID:
		no(w, 40013, "invalid appid")
	case q.Get("secret") != s.Secret:
		no(w, 40125, "invalid appsecret")
	case q.Get("grant_type") != "authorization_code":
		no(w, 40002, "invalid grant_type")
	case !ok:
		no(w, 40029, "invalid code")
	default:
		u := s.person()
		v := map[string]any{"access_token": s.issue(grant{}), "expires_in": 7200, "refresh_token": "unused", "openid": u.OpenID, "scope": "snsapi_login"}
		if u.UnionID != "" && !u.Late {
			v["unionid"] = u.UnionID
		}
		say(w, v)
	}
}

func (s *WeChat) info(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	s.only(q, "access_token", "openid", "lang")
	u := s.person()
	if _, ok := s.of(q.Get("access_token")); !ok {
		no(w, 40001, "invalid credential, access_token is invalid or not latest")
		return
	}
	if q.Get("openid") != u.OpenID {
		no(w, 40003, "invalid openid")
		return
	}
	v := map[string]any{"openid": u.OpenID, "nickname": u.Nickname, "sex": 0, "province": "", "city": "", "country": "", "headimgurl": "", "privilege": []string{}}
	if u.UnionID != "" {
		v["unionid"] = u.UnionID
	}
	say(w, v)
}
