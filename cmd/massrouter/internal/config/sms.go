package config

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/massrouter/massrouter/identity/phone"
	"github.com/massrouter/massrouter/reactors/sms"
)

// SMS are text messages, and those who deliver them.
type SMS struct {
	SMSCountries     string `env:"MASSROUTER_SMS_COUNTRIES" doc:"Calling codes of the countries that text messages are sent to, separated by commas: 86,852,49. Without it there are no text messages. 1 is all of North America and the Caribbean, some of which is dear: longer codes such as 1212 are possible, and MASSROUTER_SMS_EXCLUDED takes parts out. In dev, which shows messages at /dev/mail unless a provider is set, 1,44,49,86." used:"serve work dev"`
	SMSExcluded      string `env:"MASSROUTER_SMS_EXCLUDED" doc:"Calling codes that no text messages are sent to, though a shorter one is listed in MASSROUTER_SMS_COUNTRIES: 1876,1900. The longest code of both lists decides." used:"serve work dev"`
	SMSCountryDaily  int64  `env:"MASSROUTER_SMS_COUNTRY_LIMIT" doc:"Most text messages a day to one of these codes, from all processes together: what a fraud with dear numbers can cost." used:"serve dev"`
	AliyunKeyID      string `env:"MASSROUTER_SMS_ALIYUN_KEY_ID" doc:"Access key of Aliyun's text messages. Chinese numbers are preferably sent to by Aliyun and Tencent, all others by Twilio; who is alone sends everything." used:"work dev"`
	AliyunSecret     Secret `env:"MASSROUTER_SMS_ALIYUN_SECRET" doc:"Its secret." used:"work dev"`
	AliyunSign       string `env:"MASSROUTER_SMS_ALIYUN_SIGN" doc:"The signature that was approved." used:"work dev"`
	AliyunTemplates  string `env:"MASSROUTER_SMS_ALIYUN_TEMPLATES" doc:"The templates that were approved, with the variable code, by language: zh-CN=SMS_1,en=SMS_2; or one for both." used:"work dev"`
	AliyunURL        string `env:"MASSROUTER_SMS_ALIYUN_URL" doc:"Where Aliyun is." used:"work dev"`
	TencentID        string `env:"MASSROUTER_SMS_TENCENT_ID" doc:"Secret id of Tencent's text messages." used:"work dev"`
	TencentSecret    Secret `env:"MASSROUTER_SMS_TENCENT_SECRET" doc:"Its secret key." used:"work dev"`
	TencentApp       string `env:"MASSROUTER_SMS_TENCENT_APP" doc:"The id of the application (SmsSdkAppId)." used:"work dev"`
	TencentSign      string `env:"MASSROUTER_SMS_TENCENT_SIGN" doc:"The signature that was approved." used:"work dev"`
	TencentTemplates string `env:"MASSROUTER_SMS_TENCENT_TEMPLATES" doc:"The templates that were approved, with the variable {1}, as for Aliyun." used:"work dev"`
	TencentRegion    string `env:"MASSROUTER_SMS_TENCENT_REGION" doc:"Region." used:"work dev"`
	TencentURL       string `env:"MASSROUTER_SMS_TENCENT_URL" doc:"Where Tencent is." used:"work dev"`
	TwilioAccount    string `env:"MASSROUTER_SMS_TWILIO_ACCOUNT" doc:"Account SID at Twilio." used:"work dev"`
	TwilioToken      Secret `env:"MASSROUTER_SMS_TWILIO_TOKEN" doc:"Its token." used:"work dev"`
	TwilioFrom       string `env:"MASSROUTER_SMS_TWILIO_FROM" doc:"A number of one's own, or the SID of a messaging service (MG…)." used:"work dev"`
	TwilioURL        string `env:"MASSROUTER_SMS_TWILIO_URL" doc:"Where Twilio is." used:"work dev"`
}

func defaultSMS() SMS {
	return SMS{
		SMSCountryDaily: 1000, AliyunURL: "https://dysmsapi.aliyuncs.com", TencentURL: "https://sms.tencentcloudapi.com", TencentRegion: "ap-guangzhou",
		TwilioURL: "https://api.twilio.com",
	}
}

// Countries are the calling codes, which have been validated.
func (c SMS) Countries() []string {
	all, err := phone.ParseCountries(c.SMSCountries)
	if err != nil {
		return nil // Validate refuses it
	}
	return all
}

// Excluded are the calling codes that nothing is sent to, which have been validated.
func (c SMS) Excluded() []string {
	all, err := phone.ParseCountries(c.SMSExcluded)
	if err != nil {
		return nil // Validate refuses it
	}
	return all
}

// HasProvider says whether anybody delivers messages.
func (c SMS) HasProvider() bool {
	return c.AliyunKeyID != "" || c.TencentID != "" || c.TwilioAccount != ""
}

// Route is by whom messages are sent. name is what our own words call the service.
func (c SMS) Route(name string, client *http.Client) sms.Route {
	var aliyun *sms.Aliyun
	var tencent *sms.Tencent
	var twilio *sms.Twilio
	if c.AliyunKeyID != "" {
		aliyun = &sms.Aliyun{
			Endpoint: strings.TrimSuffix(c.AliyunURL, "/"), AccessKey: c.AliyunKeyID, Secret: c.AliyunSecret.Reveal(), SignName: c.AliyunSign,
			Template: templates(c.AliyunTemplates), Client: client, Now: time.Now,
		}
	}
	if c.TencentID != "" {
		tencent = &sms.Tencent{
			Endpoint: strings.TrimSuffix(c.TencentURL, "/"), SecretID: c.TencentID, Secret: c.TencentSecret.Reveal(), Region: c.TencentRegion, AppID: c.TencentApp,
			SignName: c.TencentSign, Template: templates(c.TencentTemplates), Client: client, Now: time.Now,
		}
	}
	if c.TwilioAccount != "" {
		twilio = &sms.Twilio{
			Endpoint: strings.TrimSuffix(c.TwilioURL, "/"), Account: c.TwilioAccount, Token: c.TwilioToken.Reveal(), From: c.TwilioFrom, Text: sms.Words(name), Client: client,
		}
	}
	return sms.NewRoute(aliyun, tencent, twilio)
}

// templates are those of the two languages; nil when one is missing.
func templates(text string) map[string]string {
	if text != "" && !strings.ContainsAny(text, "=,") {
		return map[string]string{"en": text, "zh-CN": text}
	}
	all := map[string]string{}
	for _, one := range strings.Split(text, ",") {
		language, template, _ := strings.Cut(strings.TrimSpace(one), "=")
		if (language != "en" && language != "zh-CN") || template == "" {
			return nil
		}
		all[language] = template
	}
	if len(all) != 2 {
		return nil
	}
	return all
}

func (c SMS) validate(p *Problems, role Role) {
	all, err := phone.ParseCountries(c.SMSCountries)
	p.add(err == nil, "MASSROUTER_SMS_COUNTRIES", "%v", err)
	excluded, wrong := phone.ParseCountries(c.SMSExcluded)
	p.add(wrong == nil, "MASSROUTER_SMS_EXCLUDED", "%v", wrong)
	for _, one := range excluded {
		p.add(err != nil || slices.ContainsFunc(all, func(listed string) bool { return len(listed) < len(one) && strings.HasPrefix(one, listed) }), "MASSROUTER_SMS_EXCLUDED",
			"%s begins with no shorter code of MASSROUTER_SMS_COUNTRIES", one)
	}
	p.add(c.SMSCountryDaily >= 1 && c.SMSCountryDaily <= maxRate, "MASSROUTER_SMS_COUNTRY_LIMIT", "%d is not between 1 and %d", c.SMSCountryDaily, maxRate)
	p.add(err != nil || len(all) > 0 || !c.HasProvider(), "MASSROUTER_SMS_COUNTRIES", "is needed with a provider of text messages: nowhere may be sent to")
	p.add(role != RoleWork || len(all) == 0 || c.HasProvider(), "MASSROUTER_SMS_COUNTRIES", "needs a provider: MASSROUTER_SMS_ALIYUN_KEY_ID, MASSROUTER_SMS_TENCENT_ID or MASSROUTER_SMS_TWILIO_ACCOUNT")
	for _, one := range []struct {
		name      string
		used, set bool
	}{
		{"MASSROUTER_SMS_ALIYUN_SECRET", c.AliyunKeyID != "", c.AliyunSecret.IsSet()},
		{"MASSROUTER_SMS_ALIYUN_SIGN", c.AliyunKeyID != "", c.AliyunSign != ""},
		{"MASSROUTER_SMS_ALIYUN_TEMPLATES", c.AliyunKeyID != "", templates(c.AliyunTemplates) != nil},
		{"MASSROUTER_SMS_ALIYUN_URL", c.AliyunKeyID != "", isProvider(c.AliyunURL)},
		{"MASSROUTER_SMS_TENCENT_SECRET", c.TencentID != "", c.TencentSecret.IsSet()},
		{"MASSROUTER_SMS_TENCENT_APP", c.TencentID != "", c.TencentApp != ""},
		{"MASSROUTER_SMS_TENCENT_SIGN", c.TencentID != "", c.TencentSign != ""},
		{"MASSROUTER_SMS_TENCENT_TEMPLATES", c.TencentID != "", templates(c.TencentTemplates) != nil},
		{"MASSROUTER_SMS_TENCENT_REGION", c.TencentID != "", c.TencentRegion != ""},
		{"MASSROUTER_SMS_TENCENT_URL", c.TencentID != "", isProvider(c.TencentURL)},
		{"MASSROUTER_SMS_TWILIO_TOKEN", c.TwilioAccount != "", c.TwilioToken.IsSet()},
		{"MASSROUTER_SMS_TWILIO_FROM", c.TwilioAccount != "", c.TwilioFrom != ""},
		{"MASSROUTER_SMS_TWILIO_URL", c.TwilioAccount != "", isProvider(c.TwilioURL)},
	} {
		p.add(!one.used || one.set, one.name, "is missing, or is not of its form")
	}
}

// isProvider says whether an address may be sent codes to: by TLS, or on this machine.
func isProvider(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	port := u.Port()
	if port == "" {
		port = "80"
	}
	return u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname()+":"+port)
}
