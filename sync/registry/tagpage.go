package registry

import (
	"encoding/json"
	"io"

	"github.com/opencontainers/go-digest"
)

// tagPage is an answer of tags/list. Google's registries add what the
// repository's manifests are.
type tagPage struct {
	Tags      []string
	Digests   tagDigests             // of tags, of this page or not
	Manifests map[digest.Digest]bool // whether they have tags
}

// decodeTagPage reads a page piece by piece, and keeps of it only what a tagPage
// has, within bounds: a page of empty entries would be twenty times its size in
// memory.
func decodeTagPage(body io.Reader) (tagPage, error) {
	page := tagPage{Digests: tagDigests{}, Manifests: map[digest.Digest]bool{}}
	d := json.NewDecoder(body)
	err := eachMember(d, func(key string) error {
		switch key {
		case "tags":
			return eachString(d, func(tag string) error {
				page.Tags = append(page.Tags, tag)
				if len(page.Tags) > maxNames {
					return unsupported("the list has more than %d names", maxNames)
				}
				return nil
			})
		case "manifest":
			return eachMember(d, func(sum string) error { return page.addManifest(d, digest.Digest(sum)) })
		}
		return skip(d)
	})
	return page, err
}

// addManifest reads what is said of a manifest.
func (p *tagPage) addManifest(d *json.Decoder, sum digest.Digest) error {
	if sum.Validate() != nil {
		return skip(d)
	}
	tagged := p.Manifests[sum]
	err := eachMember(d, func(key string) error {
		if key != "tag" {
			return skip(d)
		}
		return eachString(d, func(tag string) error {
			tagged = true
			p.Digests[tag] = sum
			if len(p.Digests) > maxNames {
				return unsupported("the list has more than %d names", maxNames)
			}
			return nil
		})
	})
	p.Manifests[sum] = tagged
	if len(p.Manifests) > maxManifests {
		return unsupported("the list has more than %d manifests", maxManifests)
	}
	return err
}

// eachMember calls read with the name of each member of the object that comes
// next, for its value to be read; null has none.
func eachMember(d *json.Decoder, read func(name string) error) error {
	return between(d, '{', func() error {
		name, err := d.Token()
		if err != nil {
			return err
		}
		return read(name.(string)) // as the decoder has it of names
	})
}

// eachString calls take with each string of the list that comes next; null has
// none.
func eachString(d *json.Decoder, take func(string) error) error {
	return between(d, '[', func() error {
		token, err := d.Token()
		if err != nil {
			return err
		}
		text, is := token.(string)
		if !is {
			return unsupported("%v is listed for a name", token)
		}
		return take(text)
	})
}

// between reads what opens, entry by entry, and what closes it.
func between(d *json.Decoder, opens json.Delim, entry func() error) error {
	token, err := d.Token()
	if err != nil || token == nil {
		return err
	}
	if token != opens {
		return unsupported("%v stands where %v should", token, opens)
	}
	for d.More() {
		if err := entry(); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}

// skip reads over the value that comes next.
func skip(d *json.Decoder) error {
	for depth := 0; ; {
		switch token, err := d.Token(); {
		case err != nil:
			return err
		case token == json.Delim('{'), token == json.Delim('['):
			depth++
		case token == json.Delim('}'), token == json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}
