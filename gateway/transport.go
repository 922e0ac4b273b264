package gateway

import (
	"net"
	"net/http"
	"time"
)

// NewTransport makes the connections to vendors: kept open in numbers, one request at a time on each, answers as they are
// (a compressed stream would wait for its blocks).
func NewTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		DialContext:           dialer.DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		MaxIdleConns:          0, // only bounded by host
		MaxIdleConnsPerHost:   4096,
		IdleConnTimeout:       30 * time.Second, // below what servers grant, so that they seldom close first
		DisableCompression:    true,
		ForceAttemptHTTP2:     false,
		ExpectContinueTimeout: time.Second,
	}
}
