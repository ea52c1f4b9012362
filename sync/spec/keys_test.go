package spec

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"csync/docs/schema"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

func TestTheSchemasHaveTheKeysThatTheReaderHas(t *testing.T) {
	t.Parallel()
	s := &sourceReader{}
	p := &promotionReader{Promotion: Promotion{Hash: Hash{DLRN: &DLRN{}}, Images: Images{Tripleo: &Tripleo{}, Zuul: &Zuul{}}}}
	side := &sideReader{}
	for _, test := range []struct {
		schema, properties string
		keys               map[string]func(*yaml.Node)
		refused            string // a key that is known only to be refused clearly
	}{
		{"source", "$defs registry", s.keys(), ""},
		{"source", "$defs registry properties credentials", s.keysOfCredentials(), ""},
		{"source", "$defs csync", s.keysOfCsync(), ""},
		{"source", "$defs settings", (&entry{}).keys(), ""},
		{"cip", "", (&manifest{}).keys(), "renames"},
		{"cip", "properties registries items", (&manifest{}).keysOfRegistry(nil), ""},
		{"cip", "$defs images items", (&reader{}).keysOfImage("", nil), ""},
		{"cip-images", "items", (&reader{}).keysOfImage("", nil), ""},
		{"promotion", "", p.keys(), ""},
		{"promotion", "$defs source", side.keysOfSide(), ""},
		{"promotion", "$defs destination", side.keysOfDestination(), ""},
		{"promotion", "$defs credentials", side.keysOfCredentials(), ""},
		{"promotion", "$defs csync", side.keysOfLogin(), ""},
		{"promotion", "$defs images", p.keysOfImages(), ""},
		{"promotion", "$defs tripleo", p.keysOfTripleo(), ""},
		{"promotion", "$defs zuul", p.keysOfZuul(), ""},
		{"promotion", "$defs hash", p.keysOfHash(), ""},
		{"promotion", "$defs hash properties dlrn", p.keysOfDLRN(), ""},
		{"promotion", "$defs tagPolicy", p.keysOfTagPolicy(), ""},
		{"promotion", "$defs gate", p.keysOfGate(), ""},
	} {
		t.Run(test.schema+" "+test.properties, func(t *testing.T) {
			t.Parallel()
			delete(test.keys, test.refused)
			require.Equal(t, slices.Sorted(maps.Keys(test.keys)), properties(t, test.schema, test.properties))
		})
	}
}

// properties gives the sorted names of the properties at a path of a schema.
func properties(t *testing.T, name, path string) []string {
	t.Helper()
	content, ok := schema.Get(name)
	require.True(t, ok)
	var node map[string]any
	require.NoError(t, json.Unmarshal(content, &node))
	for _, element := range strings.Fields(path) {
		node, ok = node[element].(map[string]any)
		require.True(t, ok, element)
	}
	require.Equal(t, false, node["additionalProperties"])
	return slices.Sorted(maps.Keys(node["properties"].(map[string]any)))
}
