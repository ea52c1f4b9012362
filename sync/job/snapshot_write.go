package job

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// WriteYAML writes the snapshot as a manifest of cip, whose source is the
// registry.
func (s *Snapshot) WriteYAML(w io.Writer) error {
	out := bufio.NewWriter(w) // keeps its first error
	fmt.Fprintf(out, "registries:\n  - name: %s\n    src: true\nimages:", s.Registry)
	if len(s.Images) == 0 {
		fmt.Fprint(out, " []")
	}
	fmt.Fprintln(out)
	for _, image := range s.Images {
		fmt.Fprintf(out, "  - name: %s\n    dmap:\n", image.Name)
		for _, d := range image.Digests {
			fmt.Fprintf(out, "      %q: [%s]\n", d.Digest, quoted(d.Tags))
		}
	}
	return out.Flush()
}

// quoted are tags as YAML has them, where 1.10 is a number.
func quoted(tags []string) string {
	words := make([]string, len(tags))
	for i, tag := range tags {
		words[i] = fmt.Sprintf("%q", tag)
	}
	return strings.Join(words, ", ")
}

// WriteCSV writes a line for each tag, "IMAGE@DIGEST,IMAGE:TAG", and "-" for what
// has none, as kpromo does.
func (s *Snapshot) WriteCSV(w io.Writer) error {
	out := bufio.NewWriter(w) // keeps its first error
	for _, image := range s.Images {
		name := s.Registry + "/" + image.Name
		for _, d := range image.Digests {
			if len(d.Tags) == 0 {
				fmt.Fprintf(out, "%s@%s,-\n", name, d.Digest)
			}
			for _, tag := range d.Tags {
				fmt.Fprintf(out, "%s@%s,%s:%s\n", name, d.Digest, name, tag)
			}
		}
	}
	return out.Flush()
}
