package origin

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// hashForm is that of the hashes that DLRN makes: aggregate, or of a commit and
// a distribution's, and of the extended ones, shortened.
var hashForm = regexp.MustCompile(`^[0-9a-f]{8,64}(_[0-9a-f]{1,40}){0,3}$`)

// hexadecimal is what a part of such a hash is made of.
var hexadecimal = regexp.MustCompile(`^[0-9a-f]+$`)

// promotion is what DLRN says of one. Where it knows no hash, it says null,
// "None" or "".
type promotion struct {
	Name      string `json:"promote_name"`
	Aggregate string `json:"aggregate_hash"`
	Commit    string `json:"commit_hash"`
	Distro    string `json:"distro_hash"`
	Extended  string `json:"extended_hash"` // of the distribution and the commit, joined by _
}

// askDLRN is the hash that was last promoted to a name.
func (f *finder) askDLRN(ctx context.Context) (string, error) {
	asked := f.Hash.DLRN
	location := asked.URL + "/api/promotions?" + url.Values{"promote_name": {asked.PromoteName}, "limit": {"1"}}.Encode()
	content, err := f.text(ctx, location)
	if err != nil {
		return "", err
	}
	hash, err := parsePromotions(content, asked.PromoteName)
	if err != nil {
		return "", at(location, 0, err)
	}
	return hash, nil
}

// parsePromotions gives the hash of the newest promotion to a name.
func parsePromotions(content []byte, name string) (string, error) {
	var promotions []promotion
	if err := json.Unmarshal(content, &promotions); err != nil {
		return "", fmt.Errorf("not DLRN's list of promotions: %w", err)
	}
	if len(promotions) == 0 {
		return "", fmt.Errorf("nothing was promoted to %q", name)
	}
	newest := promotions[0]
	if newest.Name != "" && newest.Name != name {
		return "", fmt.Errorf("a promotion to %q, not to %q", newest.Name, name)
	}
	return newest.hash()
}

// hash is the aggregate one, or else made of the commit's and the
// distribution's, as DLRN names the directories of its repositories.
func (p promotion) hash() (string, error) {
	if given(p.Aggregate) {
		return whole(p.Aggregate)
	}
	parts := []string{p.Commit, short(p.Distro)}
	if given(p.Extended) {
		distro, commit, found := strings.Cut(p.Extended, "_")
		if !found {
			return "", fmt.Errorf("extended hash %q is malformed: two hashes, joined by _, were meant", p.Extended)
		}
		parts = append(parts, short(distro), short(commit))
	}
	for _, part := range parts {
		if !given(part) || !hexadecimal.MatchString(part) {
			return "", fmt.Errorf("no hash: aggregate %q, commit %q, distribution %q, extended %q", p.Aggregate, p.Commit, p.Distro, p.Extended)
		}
	}
	return whole(strings.Join(parts, "_"))
}

func whole(hash string) (string, error) {
	if !hashForm.MatchString(hash) {
		return "", fmt.Errorf("hash %q is malformed", hash)
	}
	return hash, nil
}

func given(hash string) bool { return hash != "" && hash != "None" }

// short is how DLRN shortens the hashes after the first.
func short(hash string) string { return hash[:min(len(hash), 8)] }
