package main

import (
	"bufio"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"csync/sync/content"
	"csync/sync/report"
)

// writeInspected writes a block for each image, those of its instances indented
// below it. Errors of writing stay with out.
func writeInspected(out *bufio.Writer, found []inspected) {
	for i, one := range found {
		if i > 0 {
			fmt.Fprintln(out)
		}
		fmt.Fprintln(out, one.Reference)
		if one.Error != nil {
			fmt.Fprintf(out, "  %s: %s\n", one.Error.Kind, printable(one.Error.Message))
			continue
		}
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		if one.Platform != "" {
			fmt.Fprintf(table, "  platform\t%s\n", printable(one.Platform))
		}
		writeDetails(table, one.Details, "  ")
		table.Flush()
	}
}

func writeDetails(out *tabwriter.Writer, d *content.Details, margin string) {
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(out, "%s%s\t%s\n", margin, name, printable(value))
		}
	}
	line("digest", d.Digest.String())
	line("media type", d.MediaType)
	line("artifact type", d.ArtifactType)
	line("subject", d.Subject.String())
	line("attestation for", d.AttestationFor.String())
	if d.Missing {
		line("missing", "the index lists it, the manifest is not there")
		return
	}
	if d.Created != nil {
		line("created", d.Created.UTC().Format(time.RFC3339))
	}
	line("config", d.Config.String())
	line("size", report.Size(d.Size))
	for _, layer := range d.Layers {
		line("layer", layerText(layer))
	}
	writeMap(line, "label", d.Labels)
	writeMap(line, "annotation", d.Annotations)
	for i := range d.Instances {
		fmt.Fprintf(out, "\n%s%s\n", margin, printable(heading(&d.Instances[i])))
		writeDetails(out, &d.Instances[i], margin+"  ")
	}
}

func layerText(layer content.Layer) string {
	size := "unknown size"
	if layer.Size >= 0 {
		size = report.Size(layer.Size)
	}
	return strings.TrimSpace(fmt.Sprintf("%s %8s  %s", layer.Digest, size, layer.MediaType))
}

func writeMap(line func(name, value string), name string, values map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(values)) {
		line(name, key+"="+values[key])
	}
}

// heading is what an instance of an index is called.
func heading(d *content.Details) string {
	switch {
	case d.AttestationFor != "":
		return "attestation"
	case d.Platform != "":
		return d.Platform
	case d.ArtifactType != "":
		return d.ArtifactType
	}
	return "instance"
}

// printable keeps what an image says from moving the cursor, or a column.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, s)
}
