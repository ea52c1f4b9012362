package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"slices"
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

// programText is what is no markup.
var programText = regexp.MustCompile(`(?s)<script>.*?</script>`)

// requireBalanced fails unless every element that is opened is closed.
func requireBalanced(t *testing.T, html []byte) {
	t.Helper()
	decoder := xml.NewDecoder(bytes.NewReader(programText.ReplaceAll(html, nil)))
	decoder.Strict = false
	decoder.AutoClose = []string{"meta", "br", "input"}
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
			if name := element.Name.Local; !slices.Contains(decoder.AutoClose, name) {
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
	for _, external := range []string{"<script ", "<link", "<img", "<a ", "src=", "href=", "url(", "@import", "fetch(", "XMLHttpRequest"} {
		require.NotContains(t, got, external)
	}
	require.Contains(t, got, "default-src &#39;none&#39;")
	require.NotContains(t, got, "unsafe-inline")
	require.Regexp(t, `script-src &#39;sha256-[^ ]+&#39;"`, got)
	require.Contains(t, got, "prefers-color-scheme: dark")
	require.Contains(t, got, `<html lang="en">`)
}

func TestPageShowsEachResultInItsCell(t *testing.T) {
	t.Parallel()
	got := page(t, samples()["done"])
	require.Contains(t, got, `<th scope="col">mirror.example.net:5000</th>`)
	require.Contains(t, got, `<th scope="row"><details><summary><code>redis:7.4</code></summary>`)
	require.Contains(t, got, `from <code>docker://registry.example.com/library/redis:7.4</code>`)
	require.Contains(t, got, `<code>7.4</code> copied <code>7a7a7a7a7a7a</code><span class="quiet">, before: <code>727272727272</code></span>`)
	require.Contains(t, got, `<code>stable</code> retagged <code>7a7a7a7a7a7a</code>`)
	require.Contains(t, got, `<code>`+sum("7a").String()+`</code><br>linux/amd64, linux/arm/v7`)
	require.Contains(t, got, "41.5 MB written, 12.8 MB reused, 3.1s, 2 attempts")
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
	require.Equal(t, 1, strings.Count(got, "<script"), "the page's own")
	for _, live := range []string{"<script>alert", "</pre><style", `"onmouseover`, "<b>", "\u202e", "\x00"} {
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
