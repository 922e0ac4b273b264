package inference

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"time"
)

// feed is RSS 2.0, as use_rss asks for.
type feed struct {
	XMLName xml.Name `xml:"rss"`
	Version string   `xml:"version,attr"`
	Title   string   `xml:"channel>title"`
	Link    string   `xml:"channel>link"`
	About   string   `xml:"channel>description"`
	Items   []item   `xml:"channel>item"`
}

type item struct {
	Title     string `xml:"title"`
	Link      string `xml:"link"`
	About     string `xml:"description"`
	GUID      guid   `xml:"guid"`
	Published string `xml:"pubDate"`
}

type guid struct {
	Permalink bool   `xml:"isPermaLink,attr"`
	ID        string `xml:",chardata"`
}

// feedOf shows a list of models as news. Links are paths of this API: where it is reached is not known here.
func feedOf(list *routableList) feed {
	f := feed{Version: "2.0", Title: "Models", Link: "/api/v1/models", About: "Models that can be called."}
	for i := range list.Data {
		m := &list.Data[i]
		f.Items = append(f.Items, item{
			Title: m.Name, Link: m.Links.Details, About: m.Description, GUID: guid{ID: m.ID},
			Published: time.Unix(m.Created, 0).UTC().Format(time.RFC1123Z),
		})
	}
	return f
}

// answer implements answerer.
func (f feed) answer() (status int, media string, body []byte, err error) {
	body, err = xml.Marshal(f)
	if err != nil {
		return 0, "", nil, fmt.Errorf("encode the feed: %w", err)
	}
	return http.StatusOK, "application/rss+xml; charset=utf-8", append([]byte(xml.Header), body...), nil
}
