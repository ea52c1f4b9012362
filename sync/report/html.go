package report

import (
	"bufio"
	_ "embed"
	"html/template"
	"io"
)

//go:embed page.html.tmpl
var pageSource string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"size":     Size,
	"duration": duration,
	"short":    short,
	"plain":    plain,
	"lines":    lines,
	"where":    (*Error).where,
	"counts":   Summary.counts,
}).Parse(pageSource))

// WriteHTML writes the report as a page that needs nothing else: the summary,
// the failures, and a matrix of images by destination.
func (r *Report) WriteHTML(w io.Writer) error {
	out := bufio.NewWriter(w)
	view := struct {
		*Report
		Failures []Result
		Matrix   matrix
	}{r, r.failures(), newMatrix(r.Results)}
	if err := pageTemplate.Execute(out, view); err != nil {
		return err
	}
	return out.Flush()
}

func (r *Report) failures() []Result {
	var failures []Result
	for i := range r.Results {
		if r.Results[i].Error != nil {
			failures = append(failures, r.Results[i])
		}
	}
	return failures
}
