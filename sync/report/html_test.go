package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"csync/sync/fault"

	"github.com/stretchr/testify/require"
)

func page(t *testing.T, r *Report) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, r.WriteHTML(&out))
	requireBalanced(t, out.Bytes())
	return out.String()
}

// requireBalanced fails unless every element that is opened is closed.
func requireBalanced(t *testing.T, html []byte) {
	t.Helper()
	decoder := xml.NewDecoder(bytes.NewReader(html))
	decoder.Strict = false
	decoder.AutoClose = []string{"meta", "br"}
	decoder.Entity = xml.HTMLEntity
	var open []string
	for {
		token, err := decoder.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		switch element := token.(type) {
		case xml.StartElement:
			if name := element.Name.Local; name != "meta" && name != "br" {
				open = append(open, name)
			}
		case xml.EndElement:
			require.NotEmpty(t, open)
			require.Equal(t, open[len(open)-1], element.Name.Local)
			open = open[:len(open)-1]
		}
	}
	require.Empty(t, open)
}

func TestPageNeedsNothingElse(t *testing.T) {
	t.Parallel()
	got := page(t, samples()["failures"])
	for _, external := range []string{"<script", "<link", "<img", "<a ", "src=", "href=", "url(", "@import"} {
		require.NotContains(t, got, external)
	}
	require.Contains(t, got, "default-src 'none'")
	require.Contains(t, got, "prefers-color-scheme: dark")
	require.Contains(t, got, `<html lang="en">`)
}

func TestPageShowsEachResultInItsCell(t *testing.T) {
	t.Parallel()
	got := page(t, samples()["done"])
	require.Contains(t, got, `<th scope="col"><code>docker://mirror.example.net:5000</code></th>`)
	require.Contains(t, got, `<th scope="row"><code>docker://registry.example.com/library/redis:7.4</code></th>`)
	require.Contains(t, got, `<span class="status done">copy done</span><br><code title="`+sum("7a").String()+`">sha256:7a7a7a7a7a7a</code>`)
	require.Contains(t, got, `<span class="status done">retag done</span> <code>library/redis:stable</code>`)
	require.Contains(t, got, `before: <code title="`+sum("72").String()+`">`)
	require.Contains(t, got, "linux/amd64, linux/arm/v7")
	require.Contains(t, got, "41.5 MB written, 3.1s")
	require.Contains(t, got, "its only platform is linux/s390x")
	require.NotContains(t, got, `id="failures"`)
}

func TestPageHasFailuresBeforeImages(t *testing.T) {
	t.Parallel()
	got := page(t, samples()["failures"])
	require.Contains(t, got, "csync login registry.example.com")
	require.Contains(t, got, `<th scope="col">no destination</th>`)
	require.Less(t, strings.Index(got, `id="failures"`), strings.Index(got, `id="images"`))
}

func TestPageEscapesHostileNames(t *testing.T) {
	t.Parallel()
	evil := `"><script>alert(1)</script>` + "\u202e\x00"
	hostile := copied(evil, evil)
	hostile.Status, hostile.Reason, hostile.Platforms = Failed, evil, []string{evil}
	hostile.Digest, hostile.PreviousDigest = "sha256:<b>", `"onmouseover="alert(1)`
	hostile.Error = Failure(fault.New(fault.Denied, errors.New(evil+"\n</pre><style>")))
	r := finished(evil, false, []Result{hostile})
	r.Version = evil
	got := page(t, r)
	for _, live := range []string{"<script", "</pre><style", `"onmouseover`, "<b>", "\u202e", "\x00"} {
		require.NotContains(t, got, live)
	}
}

func TestPageOfNothingHasASummary(t *testing.T) {
	t.Parallel()
	got := page(t, finished("plan", true, nil))
	require.Contains(t, got, "<dt>in all</dt><dd>0</dd>")
	require.Contains(t, got, "(dry run)")
	require.NotContains(t, got, "<table")
}

func TestPageOfThousandsHasARowForEachImage(t *testing.T) {
	t.Parallel()
	got := page(t, finished("sync", false, manyResults(2000)))
	require.Equal(t, 2001, strings.Count(got, "<tr>"))
}
