package credential

import (
	"encoding/json"
	"errors"
	"net/url"
	"regexp"
	"strings"
)

// AWSKey is an access key of Amazon's: calls are signed with it, and it is never sent.
type AWSKey struct {
	id      string
	secret  string
	session string // of a key that lives for some hours
	region  string // of the services that it is used for
}

var (
	errAWSKey = errors.New("the key is not the document of an access key: it has access_key_id, secret_access_key and perhaps session_token and region")
	errRegion = errors.New("the region is not known: it is wire.region of the vendor, region of the key, or stands in the vendor's address")
)

var (
	keyIDPattern  = regexp.MustCompile(`^[A-Za-z0-9_]{16,128}$`)
	regionPattern = regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)+-[0-9]{1,2}$`)
	runtimeHost   = regexp.MustCompile(`^bedrock-runtime(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|api\.aws)$`)
)

// ParseAWSKey reads the JSON document of an access key: access_key_id, secret_access_key and, where there are such, session_token and region.
// vendor is the address of the vendor that it is for, region the one that the catalogue says, "" for none. Errors never quote the document.
func ParseAWSKey(document, region string, vendor *url.URL) (*AWSKey, error) {
	var d struct {
		ID      string `json:"access_key_id"`
		Secret  string `json:"secret_access_key"`
		Session string `json:"session_token"`
		Region  string `json:"region"`
	}
	if json.Unmarshal([]byte(document), &d) != nil || !keyIDPattern.MatchString(d.ID) || d.Secret == "" || !printable(d.Secret) || !printable(d.Session) {
		return nil, errAWSKey
	}
	if region == "" {
		region = d.Region
	}
	if m := runtimeHost.FindStringSubmatch(strings.ToLower(vendor.Hostname())); region == "" && m != nil {
		region = m[1]
	}
	if !regionPattern.MatchString(region) {
		return nil, errRegion
	}
	return &AWSKey{id: d.ID, secret: d.Secret, session: d.Session, region: region}, nil
}

// printable says whether a text fits into a header.
func printable(text string) bool {
	return !strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c > '~' })
}

// reveals says whether a text has a part of the key in it. Its id is none of the secrets, but nobody's business either.
func (k *AWSKey) reveals(text string) bool {
	return strings.Contains(text, k.secret) || strings.Contains(text, k.id) || k.session != "" && strings.Contains(text, k.session)
}
