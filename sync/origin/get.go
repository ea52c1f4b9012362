package origin

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"

	"csync/sync/fault"
)

// most is what a file or an answer may have, in bytes.
const most = 8 << 20

// Getter brings what is at a path, or a URL of file:, http: or https:. What is
// not there has the kind not-found.
type Getter func(ctx context.Context, location string) ([]byte, error)

// Fetcher asks servers, repeats what may succeed then, and refuses an answer of
// more than limit bytes or with the status of an error.
type Fetcher interface {
	Fetch(ctx context.Context, u *url.URL, limit int64) ([]byte, error)
}

// Over is a getter that reads files itself and asks servers by way of fetcher. It
// brings at most 8 MB.
func Over(fetcher Fetcher) Getter {
	return func(ctx context.Context, location string) ([]byte, error) {
		u, err := url.Parse(location)
		if err != nil || u.Scheme == "" || strings.Contains(strings.SplitN(location, ":", 2)[0], "/") {
			return readFile(location)
		}
		switch u.Scheme {
		case "http", "https":
			return fetcher.Fetch(ctx, u, most)
		case "file":
			if u.Host != "" && u.Host != "localhost" {
				return nil, input("%s is a file of another host", shown(location))
			}
			return readFile(u.Path + u.Opaque) // file:///etc/a, file:a
		}
		return readFile(location)
	}
}

func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		kind := fault.Input
		if os.IsNotExist(err) {
			kind = fault.NotFound
		}
		return nil, fault.New(kind, err)
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, most+1))
	if err != nil {
		return nil, fault.New(fault.Input, err)
	}
	if len(content) > most {
		return nil, input("%s has more than %d MB", path, most>>20)
	}
	return content, nil
}

// text brings what is no page for people: servers that want a login, and
// proxies, answer with one and the status of success.
func (f *finder) text(ctx context.Context, location string) ([]byte, error) {
	content, err := f.get(ctx, location)
	if err != nil {
		return nil, err
	}
	content = bytes.TrimPrefix(content, []byte("\xef\xbb\xbf")) // as editors of Windows begin files
	if bytes.HasPrefix(bytes.TrimSpace(content), []byte("<")) {
		return nil, at(location, 0, errPage)
	}
	return content, nil
}

// shown is a location as messages have it: a query may hold a token.
func shown(location string) string {
	if before, _, found := strings.Cut(location, "?"); found && strings.Contains(before, "://") {
		return before
	}
	return location
}

// place puts the hash into a location that has a place for it: as it is, or as
// the directory that DLRN keeps its repository in.
func place(location, hash string) string {
	directory := hash
	if len(hash) > 4 {
		directory = fmt.Sprintf("%s/%s/%s", hash[:2], hash[2:4], hash)
	}
	return strings.NewReplacer("{hash}", hash, "{hash-directory}", directory).Replace(location)
}
