package credential_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/gateway/credential"
)

const accessKey = `{"access_key_id":"AKIDEXAMPLEEXAMPLE","secret_access_key":"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY","session_token":"FwoGZXIvYXdz//token=="}`

func vendor(host string) *url.URL { return &url.URL{Scheme: "https", Host: host, Path: "/"} }

// TestAccessKeysAreRead: the catalogue's region comes first, then the key's, then that of the vendor's address.
func TestAccessKeysAreRead(t *testing.T) {
	t.Parallel()
	with := strings.Replace(accessKey, "{", `{"region":"ap-south-1",`, 1)
	for _, row := range []struct{ document, region, host, want string }{
		{with, "eu-central-1", "bedrock-runtime.us-east-1.amazonaws.com", "eu-central-1"},
		{with, "", "bedrock-runtime.us-east-1.amazonaws.com", "ap-south-1"},
		{accessKey, "", "bedrock-runtime.us-east-1.amazonaws.com", "us-east-1"},
		{accessKey, "", "bedrock-runtime-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"},
		{accessKey, "", "bedrock-runtime.cn-north-1.amazonaws.com.cn:443", "cn-north-1"},
	} {
		u := vendor(row.host)
		key, err := credential.ParseAWSKey(row.document, row.region, u)
		require.NoError(t, err, row.host)
		require.Contains(t, signed(t, credential.NewSigner(key, time.Now), "{}").Get("Authorization"), "/"+row.want+"/bedrock/aws4_request")
	}
	for name, row := range map[string]struct{ document, region, host, want string }{
		"no document":   {"sk-plain", "eu-west-1", "h", "document of an access key"},
		"no secret":     {`{"access_key_id":"AKIDEXAMPLEEXAMPLE"}`, "eu-west-1", "h", "document of an access key"},
		"no id":         {`{"secret_access_key":"correct-horse"}`, "eu-west-1", "h", "document of an access key"},
		"a short id":    {`{"access_key_id":"A","secret_access_key":"correct-horse"}`, "eu-west-1", "h", "document of an access key"},
		"a long line":   {`{"access_key_id":"AKIDEXAMPLEEXAMPLE","secret_access_key":"correct-horse","session_token":"a\r\nb"}`, "eu-west-1", "h", "document of an access key"},
		"nowhere":       {accessKey, "", "proxy.example.com", "region is not known"},
		"like Amazon's": {accessKey, "", "bedrock-runtime.us-east-1.amazonaws.com.evil.example", "region is not known"},
		"a bad region":  {strings.Replace(accessKey, "{", `{"region":"us-east-1/x",`, 1), "", "h", "region is not known"},
	} {
		_, err := credential.ParseAWSKey(row.document, row.region, vendor(row.host))
		require.ErrorContains(t, err, row.want, name)
		require.NotContains(t, err.Error(), "horse")
		require.NotContains(t, err.Error(), "wJalr")
	}
}

// signed is the header of a call after it was signed.
func signed(t *testing.T, s *credential.Signer, body string) http.Header {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://bedrock-runtime.us-east-1.amazonaws.com/model/a%3A0/converse", strings.NewReader(body))
	require.NoError(t, err)
	require.NoError(t, s.Sign(t.Context(), r, []byte(body)))
	return r.Header
}

// TestSignatures depend on the body and on the time, and have nothing of the secret in them.
func TestSignatures(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	key, err := credential.ParseAWSKey(accessKey, "us-east-1", vendor("h"))
	require.NoError(t, err)
	s := credential.NewSigner(key, func() time.Time { return now })
	first := signed(t, s, `{"a":1}`)
	require.Equal(t, "20260501T120000Z", first.Get("X-Amz-Date"))
	require.Equal(t, "FwoGZXIvYXdz//token==", first.Get("X-Amz-Security-Token"))
	require.Contains(t, first.Get("Authorization"), "Credential=AKIDEXAMPLEEXAMPLE/20260501/us-east-1/bedrock/aws4_request, SignedHeaders=content-length;host;x-amz-date;x-amz-security-token, Signature=")
	require.NotContains(t, fmt.Sprint(first), "wJalrXUtn")
	require.Equal(t, first, signed(t, s, `{"a":1}`))
	require.NotEqual(t, first, signed(t, s, `{"a":2}`))
	now = now.Add(time.Second)
	require.NotEqual(t, first, signed(t, s, `{"a":1}`))
	for _, text := range []string{"see wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "AKIDEXAMPLEEXAMPLE is not allowed", "x-amz-security-token:FwoGZXIvYXdz//token=="} {
		require.True(t, s.Reveals(text))
	}
	require.False(t, s.Reveals("the model is not ready"))
}

// TestClocksThatAreOff: the vendor's clock counts, if it is far from ours; a little is tolerated by the vendor.
func TestClocksThatAreOff(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	key, err := credential.ParseAWSKey(accessKey, "us-east-1", vendor("h"))
	require.NoError(t, err)
	s := credential.NewSigner(key, func() time.Time { return now })
	for _, date := range []string{"", "yesterday", now.Format(http.TimeFormat), now.Add(3 * time.Minute).Format(http.TimeFormat), now.Add(-3 * time.Minute).Format(http.TimeFormat)} {
		require.False(t, s.Adjust(date), date)
	}
	require.True(t, s.Adjust(now.Add(-time.Hour).Format(http.TimeFormat)))
	require.Equal(t, "20260501T110000Z", signed(t, s, "").Get("X-Amz-Date"))
	require.False(t, s.Adjust(now.Add(-time.Hour).Format(http.TimeFormat)), "it is no longer off")
	require.True(t, s.Adjust(now.Format(http.TimeFormat)), "and may be set right again")
	require.Equal(t, "20260501T120000Z", signed(t, s, "").Get("X-Amz-Date"))
}

// FuzzAWSKey: whatever the document says, errors do not quote it, and what is taken can stand in a header.
func FuzzAWSKey(f *testing.F) {
	f.Add(accessKey, "", "bedrock-runtime.us-east-1.amazonaws.com")
	f.Add(`{"access_key_id":"AKIDEXAMPLEEXAMPLE","secret_access_key":"x","region":"eu-west-1"}`, "us-east-1", "")
	f.Fuzz(func(t *testing.T, document, region, host string) {
		key, err := credential.ParseAWSKey(document, region, vendor(host))
		if err != nil {
			if len(document) > 200 {
				require.NotContains(t, err.Error(), document)
			}
			return
		}
		h := signed(t, credential.NewSigner(key, time.Now), "{}")
		for _, name := range []string{"Authorization", "X-Amz-Security-Token"} {
			require.False(t, strings.ContainsAny(h.Get(name), "\r\n\x00"))
		}
	})
}
