package main

import (
	"fmt"
	"math"
	"strings"
)

// The plot's size, and the place of its axes, in SVG's units.
const (
	plotWidth, plotHeight = 640, 400
	plotLeft, plotTop     = 70, 30
	plotRight, plotBottom = 500, 340
)

// series is a line of the plot, and how it is drawn.
type series struct {
	tool, colour string
}

var plotted = []series{
	{csyncName, "#0969da"}, {"crane 4 x 16", "#bc4c00"}, {"regsync 20 x 64", "#6639ba"},
}

// point is a number of tags and the seconds they took.
type point struct{ tags, seconds float64 }

// points is what a tool took in row J, as far as it was measured.
func (r results) points(tool string) []point {
	var all []point
	for _, tags := range tagCounts {
		m, found := r[fmt.Sprintf("J %d", tags)][tool]
		if found && m.err == nil {
			all = append(all, point{float64(tags), wall(m)})
		}
	}
	return all
}

// place is where a point is in the plot: from 100 to 100,000 tags, and from a
// tenth of a second to 1,000 seconds.
func (p point) place() (x, y float64) {
	x = plotLeft + (math.Log10(p.tags)-2)/3*(plotRight-plotLeft)
	y = plotBottom - (math.Log10(p.seconds)+1)/4*(plotBottom-plotTop)
	return x, y
}

// plot is time over tags as an SVG picture, both axes logarithmic.
func plot(r results) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">
<title>Seconds over tags, nothing to do</title>
<rect width="100%%" height="100%%" fill="#fff"/>
`, plotWidth, plotHeight)
	axes(&b)
	for _, s := range plotted {
		draw(&b, s, r.points(s.tool))
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func axes(b *strings.Builder) {
	const grid = `<line x1="%.0f" y1="%.0f" x2="%.0f" y2="%.0f" stroke="#d0d7de"/>` + "\n"
	const text = `<text x="%.0f" y="%.0f" text-anchor="%s" fill="#1f2328">%s</text>` + "\n"
	for power := 2; power <= 5; power++ {
		x, _ := point{math.Pow10(power), 1}.place()
		fmt.Fprintf(b, grid, x, float64(plotTop), x, float64(plotBottom))
		fmt.Fprintf(b, text, x, float64(plotBottom+20), "middle", fmt.Sprint(int(math.Pow10(power))))
	}
	for power := -1; power <= 3; power++ {
		_, y := point{100, math.Pow10(power)}.place()
		fmt.Fprintf(b, grid, float64(plotLeft), y, float64(plotRight), y)
		fmt.Fprintf(b, text, float64(plotLeft-8), y+4, "end", fmt.Sprint(math.Pow10(power)))
	}
	fmt.Fprintf(b, text, float64(plotLeft+plotRight)/2, float64(plotBottom+44), "middle", "tags")
	fmt.Fprintf(b, text, float64(plotLeft-8), float64(plotTop-12), "end", "seconds")
}

// draw joins the points, marks each, and names the line above its end.
func draw(b *strings.Builder, s series, points []point) {
	if len(points) == 0 {
		return
	}
	var path []string
	var x, y float64
	for _, p := range points {
		x, y = p.place()
		path = append(path, fmt.Sprintf("%.1f,%.1f", x, y))
		fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"><title>%s: %.0f tags, %.2f s</title></circle>`+"\n",
			x, y, s.colour, s.tool, p.tags, p.seconds)
	}
	fmt.Fprintf(b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", strings.Join(path, " "), s.colour)
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="end" fill="%s">%s</text>`+"\n", x-4, y-10, s.colour, s.tool)
}
