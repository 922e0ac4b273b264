package config_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	"github.com/massrouter/massrouter/reactors/sms"
)

// wrongIn are the variables that Load complains of, among those of text messages.
func wrongIn(t *testing.T, role config.Role, environ ...string) []string {
	t.Helper()
	_, _, err := config.Load(environ, role)
	var all config.Problems
	if err == nil {
		return nil
	}
	require.ErrorAs(t, err, &all)
	var names []string
	for _, one := range all {
		if len(one.Name) > 14 && one.Name[:14] == "MASSROUTER_SMS" {
			names = append(names, one.Name)
		}
	}
	return names
}

func TestSettingsOfTextMessages(t *testing.T) {
	t.Parallel()
	twilio := []string{"MASSROUTER_SMS_TWILIO_ACCOUNT=AC1", "MASSROUTER_SMS_TWILIO_TOKEN=t", "MASSROUTER_SMS_TWILIO_FROM=MG1"}
	aliyun := []string{
		"MASSROUTER_SMS_ALIYUN_KEY_ID=k", "MASSROUTER_SMS_ALIYUN_SECRET=s", "MASSROUTER_SMS_ALIYUN_SIGN=x", "MASSROUTER_SMS_ALIYUN_TEMPLATES=zh-CN=SMS_1,en=SMS_2",
	}
	countries := "MASSROUTER_SMS_COUNTRIES=86,+49"
	with := func(all []string, more ...string) []string { return append(append([]string{}, all...), more...) }
	for name, row := range map[string]struct {
		role    config.Role
		environ []string
		wrong   []string
	}{
		"none":                {config.RoleWork, nil, nil},
		"all":                 {config.RoleWork, with(twilio, append(aliyun, countries)...), nil},
		"nobody sends":        {config.RoleWork, []string{countries}, []string{"MASSROUTER_SMS_COUNTRIES"}},
		"serve sends nothing": {config.RoleServe, []string{countries}, nil},
		"nowhere":             {config.RoleWork, twilio, []string{"MASSROUTER_SMS_COUNTRIES"}},
		"no country":          {config.RoleServe, []string{"MASSROUTER_SMS_COUNTRIES=de"}, []string{"MASSROUTER_SMS_COUNTRIES"}},
		"parts are excluded":  {config.RoleWork, with(twilio, "MASSROUTER_SMS_COUNTRIES=86,1", "MASSROUTER_SMS_EXCLUDED=1876,+1900"), nil},
		"nothing to exclude":  {config.RoleServe, []string{countries, "MASSROUTER_SMS_EXCLUDED=1876"}, []string{"MASSROUTER_SMS_EXCLUDED"}},
		"all are excluded":    {config.RoleServe, []string{countries, "MASSROUTER_SMS_EXCLUDED=49"}, []string{"MASSROUTER_SMS_EXCLUDED"}},
		"no code":             {config.RoleServe, []string{countries, "MASSROUTER_SMS_EXCLUDED=us"}, []string{"MASSROUTER_SMS_EXCLUDED"}},
		"no cap":              {config.RoleServe, []string{"MASSROUTER_SMS_COUNTRY_LIMIT=0"}, []string{"MASSROUTER_SMS_COUNTRY_LIMIT"}},
		"half of Twilio": {
			config.RoleWork,
			[]string{countries, "MASSROUTER_SMS_TWILIO_ACCOUNT=AC1", "MASSROUTER_SMS_TWILIO_URL=http://example.com"},
			[]string{"MASSROUTER_SMS_TWILIO_TOKEN", "MASSROUTER_SMS_TWILIO_FROM", "MASSROUTER_SMS_TWILIO_URL"},
		},
		"half of Tencent": {
			config.RoleWork,
			[]string{countries, "MASSROUTER_SMS_TENCENT_ID=x", "MASSROUTER_SMS_TENCENT_TEMPLATES=en=1"},
			[]string{"MASSROUTER_SMS_TENCENT_SECRET", "MASSROUTER_SMS_TENCENT_APP", "MASSROUTER_SMS_TENCENT_SIGN", "MASSROUTER_SMS_TENCENT_TEMPLATES"},
		},
		"this machine": {config.RoleWork, with(twilio, countries, "MASSROUTER_SMS_TWILIO_URL=http://127.0.0.1:8"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, row.wrong, wrongIn(t, row.role, row.environ...))
		})
	}

	c, _, err := config.Load(with(twilio, append(aliyun, countries)...), config.RoleLocal)
	require.NoError(t, err)
	require.Equal(t, []string{"86", "49"}, c.SMS.Countries())
	r := c.SMS.Route("MassRouter", http.DefaultClient)
	require.IsType(t, &sms.Aliyun{}, r.China[0])
	require.IsType(t, &sms.Twilio{}, r.World[0])
	require.Len(t, r.China, 1)
	c.SMS.TwilioAccount = ""
	require.IsType(t, &sms.Aliyun{}, c.SMS.Route("MassRouter", http.DefaultClient).World[0])
}
