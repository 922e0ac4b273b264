package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/catalogimport"
)

const (
	fetchTime    = 2 * time.Minute
	maxListPages = 100
	maxRedirects = 5
)

// isURL says whether a source is fetched: only by the schemes that are spelt out.
func isURL(source string) bool {
	return strings.HasPrefix(source, "https://") || strings.HasPrefix(source, "http://")
}

// readList is what a source has, within its bounds: a file, the standard input ("-"), or an address.
func readList(c *cobra.Command, source string) ([]byte, error) {
	if isURL(source) {
		ctx, cancel := context.WithTimeout(c.Context(), fetchTime)
		defer cancel()
		return fetchPages(ctx, source)
	}
	in := c.InOrStdin()
	if source != "-" {
		file, err := os.Open(source) //nolint:gosec // the person at the keyboard names it
		if err != nil {
			return nil, usageError{err}
		}
		defer func() { _ = file.Close() }() // it was only read
		in = file
	}
	return readAtMost(in, catalogimport.MaxSize)
}

func readAtMost(in io.Reader, most int) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(in, int64(most)+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the list: %w", err)
	case len(raw) > most:
		return nil, fmt.Errorf("the list is longer than %d bytes", catalogimport.MaxSize)
	}
	return raw, nil
}

// fetchPages gets a list and the pages that it names, which have to be at the same place; several become one JSON array.
func fetchPages(ctx context.Context, source string) ([]byte, error) {
	here, err := url.Parse(source)
	if err != nil || here.Host == "" || here.User != nil {
		return nil, usagef("this is no address of a list: one has the form https://HOST/PATH, without a user")
	}
	first, left := here, catalogimport.MaxSize
	var pages [][]byte
	for len(pages) < maxListPages {
		page, err := fetch(ctx, here, left)
		if err != nil {
			return nil, err
		}
		left -= len(page)
		pages = append(pages, page)
		var links struct {
			Links struct {
				Next *string `json:"next"`
			} `json:"links"`
		}
		if json.Unmarshal(page, &links) != nil || links.Links.Next == nil || *links.Links.Next == "" {
			return joinPages(pages), nil
		}
		next, err := here.Parse(*links.Links.Next)
		if err != nil || next.Scheme != first.Scheme || next.Host != first.Host {
			return nil, errors.New("the list names a next page at another place")
		}
		here = next
	}
	return nil, fmt.Errorf("the list has more than %d pages", maxListPages)
}

func joinPages(pages [][]byte) []byte {
	if len(pages) == 1 {
		return pages[0]
	}
	return append(append([]byte{'['}, bytes.Join(pages, []byte{','})...), ']')
}

// fetch gets one page. A redirection must not leave https.
func fetch(ctx context.Context, from *url.URL, most int) ([]byte, error) {
	client := http.Client{CheckRedirect: func(r *http.Request, via []*http.Request) error {
		switch {
		case len(via) > maxRedirects:
			return errors.New("too many redirections")
		case r.URL.Scheme != "https" && (r.URL.Scheme != "http" || from.Scheme != "http"):
			return fmt.Errorf("redirected to %s, which nobody asked for", r.URL.Scheme)
		}
		return nil
	}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, from.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("ask for the list: %w", err)
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "massrouter")
	response, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("fetch the list: %w", err)
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("fetch the list: %s answered %s", from.Host, response.Status)
	}
	return readAtMost(response.Body, most)
}

// listBase is the base URL of the API whose list of models lies at an address: what is before /models.
func listBase(source string) string {
	u, err := url.Parse(source)
	if err != nil || !isURL(source) || !strings.HasSuffix(u.Path, "/models") {
		return ""
	}
	return u.Scheme + "://" + u.Host + strings.TrimSuffix(u.EscapedPath(), "/models")
}
