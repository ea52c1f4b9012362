// Package schema holds the JSON Schemas (2020-12) of every file that csync
// reads or writes. YAML is checked against them as the JSON that it stands for.
//
// A schema says less than a reader: it knows shapes, keys and grammars, not
// whether a regex compiles or a key matches a repository.
package schema

import (
	"embed"
	"slices"
	"strings"
)

//go:embed *.json
var files embed.FS

// Names lists the schemas, sorted: cip, cip-images, promotion, report, source.
func Names() []string {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(err) // the root of an embedded tree is always there
	}
	names := make([]string, len(entries))
	for i, entry := range entries {
		names[i] = strings.TrimSuffix(entry.Name(), ".json")
	}
	slices.Sort(names)
	return names
}

// Get is the schema of that name, or not ok if there is none.
func Get(name string) (content []byte, ok bool) {
	content, err := files.ReadFile(name + ".json")
	return content, err == nil
}
