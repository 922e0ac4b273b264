package catalogimport

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/massrouter/massrouter/domain/catalog"
)

// bedrockHost is where Amazon Bedrock is, with its region.
var bedrockHost = regexp.MustCompile(`^bedrock-runtime(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|api\.aws)$`)

// regionOf is the region of an address of Amazon Bedrock, "" for any other.
func regionOf(baseURL string) string {
	u, err := url.Parse(baseURL)
	if err != nil {
		return ""
	}
	if m := bedrockHost.FindStringSubmatch(strings.ToLower(u.Hostname())); m != nil {
		return m[1]
	}
	return ""
}

func isBedrock(baseURL string) bool { return regionOf(baseURL) != "" }

// regional begins, in genai-prices, the price of a model's inference profiles that stay in one part of the world. Amazon's own names of
// them begin with that part.
const regional = "regional."

// profiled gives an endpoint at Amazon Bedrock the name of the profile for the region of its vendor. An error means that the name does not follow from
// the region.
func (p *planner) profiled(e catalog.Endpoint) (catalog.Endpoint, error) {
	model, ok := strings.CutPrefix(e.UpstreamModel, regional)
	region := regionOf(p.bases[e.Vendor])
	if !ok || region == "" {
		return e, nil
	}
	for _, part := range []string{"us-gov", "us", "eu"} {
		if strings.HasPrefix(region, part+"-") {
			e.UpstreamModel = part + "." + model
			return e, nil
		}
	}
	return e, fmt.Errorf("which inference profile it is called by in %s is not known: publish the endpoint with the name that Amazon gives", region)
}
