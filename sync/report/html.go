package report

import (
	"bufio"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"io"
	"slices"
	"strings"
)

//go:embed page.html.tmpl
var pageSource string

//go:embed page.css
var pageStyle string

//go:embed page.js
var pageScript string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"size":     Size,
	"duration": duration,
	"short":    hex,
	"plain":    plain,
	"lines":    lines,
	"words":    Status.words,
	"counts":   Summary.counts,
	"class":    class,
	"rank":     Status.rank,
	"where":    (*Error).where,
	"outcome":  (*Result).outcome,
	"numbers":  (*Result).numbers,
	"output":   output,
	"plural":   plural,
}).Parse(pageSource))

// view is what the template makes a page of.
type view struct {
	*Report
	Failures []cause
	Reasons  []cause
	Matrix   matrix
	Statuses []Status // of the results, what needs attention first
	Style    template.CSS
	Script   template.JS
	Policy   string
}

// WriteHTML writes the report as a page that needs nothing else: the summary,
// what has failed and why, and a matrix of images by destination. A browser runs
// and applies nothing on it but its own script and style.
func (r *Report) WriteHTML(w io.Writer) error {
	out := bufio.NewWriter(w)
	page := view{
		Report:   r,
		Failures: r.failures(),
		Reasons:  r.reasons(),
		Matrix:   newMatrix(r),
		Statuses: r.statuses(),
		Style:    template.CSS(pageStyle),
		Script:   template.JS(pageScript),
		Policy: "default-src 'none'; base-uri 'none'; form-action 'none'; style-src '" + fingerprint(pageStyle) +
			"'; script-src '" + fingerprint(pageScript) + "'",
	}
	if err := pageTemplate.Execute(out, page); err != nil {
		return err
	}
	return out.Flush()
}

// fingerprint is the name of a style or script in a content security policy, see
// https://www.w3.org/TR/CSP3/#grammardef-hash-source.
func fingerprint(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// statuses are those that the results have.
func (r *Report) statuses() []Status {
	var found []Status
	for i := range r.Results {
		if status := r.Results[i].Status; !slices.Contains(found, status) {
			found = append(found, status)
		}
	}
	slices.SortFunc(found, func(a, b Status) int { return a.rank() - b.rank() })
	return found
}

// class is the class of a status in the page's style.
func class(s Status) string { return strings.ReplaceAll(s.words(), " ", "-") }

// shownOutput is how much the page has of what a gate printed that let an image
// pass; of one that has not it has everything.
const shownOutput = 2 << 10

// output is what a gate printed, or the end of it.
func output(g Gate) string {
	if !g.Passed || len(g.Output) <= shownOutput {
		return g.Output
	}
	tail := g.Output[len(g.Output)-shownOutput:]
	_, tail, _ = strings.Cut(tail, "\n")
	return left + "\n" + tail
}
