package schema

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"csync/sync/fault"
	"csync/sync/report"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// parse gives a YAML or JSON text as JSON has it.
func parse(t *testing.T, content []byte) any {
	t.Helper()
	var value any
	require.NoError(t, yaml.Unmarshal(content, &value))
	text, err := json.Marshal(value)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &value))
	return value
}

// misfit is the first place of value that does not fit the schema of a name.
func misfit(t *testing.T, name string, value any) string {
	t.Helper()
	root := read(t, name)
	return validate(root, root, value, "")
}

func read(t *testing.T, name string) map[string]any {
	t.Helper()
	content, ok := Get(name)
	require.True(t, ok)
	var root map[string]any
	require.NoError(t, json.Unmarshal(content, &root))
	return root
}

func TestEverySchemaHasItsName(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"cip", "cip-images", "promotion", "report", "source"}, Names())
	for _, name := range Names() {
		root := read(t, name)
		require.Equal(t, "urn:csync:schema:"+name, root["$id"])
		require.Equal(t, "https://json-schema.org/draft/2020-12/schema", root["$schema"])
	}
	_, ok := Get("schema")
	require.False(t, ok)
}

func TestEveryExampleFitsItsSchema(t *testing.T) {
	t.Parallel()
	for pattern, name := range map[string]string{
		"spec/full.yaml": "source",
		"spec/cip*.yaml": "cip",
		"spec/thin/manifests/*/promoter-manifest.yaml": "cip",
		"spec/thin/images/*/images.yaml":               "cip-images",
		"report/*.json":                                "report",
		"spec/promotion/*.yaml":                        "promotion",
		"../docs/examples/promotion.yaml":              "promotion",
	} {
		paths, err := filepath.Glob("../../testdata/" + pattern)
		require.NoError(t, err)
		require.NotEmpty(t, paths, pattern)
		for _, path := range paths {
			content, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Empty(t, misfit(t, name, parse(t, content)), path)
		}
	}
}

func TestMistakesDoNotFit(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, input, want string }{
		{"source", "q.io: {image: {}}", "/q.io/image: unknown"},
		{"source", "docker://q.io: {}", "/docker://q.io: pattern"},
		{"source", "q.io: {images: {redis: 7.2}}", "/q.io/images/redis: type"},
		{"source", "q.io: {images: {/redis: []}}", "/q.io/images//redis: pattern"},
		{"source", "q.io: {images: {redis: [\"sha256:12\"]}}", "/q.io/images/redis[0]: anyOf"},
		{"source", "q.io: {tls-verify: \"yes\"}", "/q.io/tls-verify: type"},
		{"source", "q.io: {csync: {repositories: {redis: {latest: 0}}}}", "/q.io/csync/repositories/redis/latest: minimum"},
		{"cip", "images: []", ": required"},
		{"cip", "registries: [{src: true}]", "/registries[0]: required"},
		{"cip-images", "[{name: a, dmap: {\"sha256:1\": []}}]", "[0]/dmap/sha256:1: pattern"},
		{"promotion", "{}", ": required"},
		{"promotion", "{source: {registry: a.io}, destinations: []}", "/destinations: minItems"},
		{"promotion", "{source: {registry: a.io/b}, destinations: [{registry: b.io}]}", "/source/registry: pattern"},
		{"promotion", "{source: {registry: a.io, token-file: a}, destinations: [{registry: b.io}]}", "/source/token-file: unknown"},
		{"promotion", "{source: {registry: a.io}, destinations: [{registry: b.io}], labels: [a]}", "/labels: unknown"},
		{"promotion", "{source: {registry: a.io}, destinations: [{registry: b.io}], hash: \"\"}", "/hash: anyOf"},
		{"promotion", "{source: {registry: a.io}, destinations: [{registry: b.io}], hash: {dlrn: {url: a}}}", "/hash: anyOf"},
		{"promotion", "{source: {registry: a.io}, destinations: [{registry: b.io}], images: {zuul: {job: a}}}", "/images/zuul: required"},
		{"promotion", "{source: {registry: a.io}, destinations: [{registry: b.io}], images: {tripleo: {versions: a}}}", "/images/tripleo: anyOf"},
		{"promotion", "{source: {registry: a.io}, destinations: [{registry: b.io}], index: build}", "/index: enum"},
		{"promotion", "{source: {registry: a.io}, destinations: [{registry: b.io}], index-tag: latest}", "/index-tag: pattern"},
		{"promotion", "{source: {registry: a.io}, destinations: [{registry: b.io}], gate: ./scan}", "/gate: anyOf"},
		{"report", "{}", ": required"},
	} {
		require.Equal(t, test.want, misfit(t, test.name, parse(t, []byte(test.input))), test.input)
	}
}

func TestTheReportSchemaHasEveryField(t *testing.T) {
	t.Parallel()
	root := read(t, "report")
	result := root["$defs"].(map[string]any)["result"].(map[string]any)
	for _, test := range []struct {
		schema any
		fields []string
	}{
		{root, fieldsOf[report.Report]()},
		{root["properties"].(map[string]any)["summary"], fieldsOf[report.Summary]()},
		{result, fieldsOf[report.Result]()},
		{result["properties"].(map[string]any)["error"], fieldsOf[report.Error]()},
	} {
		properties := test.schema.(map[string]any)["properties"].(map[string]any)
		require.Equal(t, test.fields, slices.Sorted(maps.Keys(properties)))
	}
}

// fieldsOf gives the sorted names of T's fields in JSON.
func fieldsOf[T any]() []string {
	var names []string
	for _, field := range reflect.VisibleFields(reflect.TypeFor[T]()) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func TestTheReportSchemaHasEveryWord(t *testing.T) {
	t.Parallel()
	result := read(t, "report")["$defs"].(map[string]any)["result"].(map[string]any)["properties"].(map[string]any)
	failure := result["error"].(map[string]any)["properties"].(map[string]any)
	enum := func(property any) any { return property.(map[string]any)["enum"] }
	require.Equal(t, words(report.Copy, report.Retag, report.Assemble, report.Merge, report.Delete), enum(result["action"]))
	require.Equal(t, words(report.Done, report.Unchanged, report.Planned, report.Skipped, report.Failed, report.RolledBack), enum(result["status"]))
	require.Equal(t, words(fault.InputSide, fault.Source, fault.Destination), enum(failure["side"]))
	require.Equal(t, words(
		fault.Input, fault.NotFound, fault.Unauthorized, fault.Denied, fault.RateLimited, fault.Network, fault.TLS,
		fault.DigestMismatch, fault.Conflict, fault.Policy, fault.Unsupported, fault.Cancelled, fault.Internal,
	), enum(failure["kind"]))
}

func words[T ~string](values ...T) any {
	var all []any
	for _, value := range values {
		all = append(all, string(value))
	}
	return all
}
