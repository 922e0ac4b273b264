package sms

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"time"
)

const (
	callTime  = 10 * time.Second
	maxAnswer = 64 << 10 // bytes
)

func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

func sign(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	_, _ = mac.Write([]byte(text))
	return mac.Sum(nil)
}

// escaped is a text of a query by RFC 3986, which both Chinese signatures want.
func escaped(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }

// queryOf is a query in the order of its names.
func queryOf(values map[string]string) string {
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	sort.Strings(names)
	pairs := make([]string, len(names))
	for i, name := range names {
		pairs[i] = escaped(name) + "=" + escaped(values[name])
	}
	return strings.Join(pairs, "&")
}

// call sends a request and reads the JSON of the answer, whatever its status.
func call(ctx context.Context, client *http.Client, r *http.Request, answer any) (status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	response, err := client.Do(r.WithContext(ctx))
	if err != nil {
		var of *url.Error // it repeats the address, in which some have the number and the code
		if errors.As(err, &of) {
			err = of.Err
		}
		return 0, fmt.Errorf("call the provider of short messages: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return 0, fmt.Errorf("read the answer of the provider of short messages: %w", err)
	}
	if err := json.Unmarshal(body, answer); err != nil {
		return response.StatusCode, fmt.Errorf("the provider of short messages answers %d with what is no JSON", response.StatusCode)
	}
	return response.StatusCode, nil
}
