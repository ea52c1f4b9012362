package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// mayImport is the map of the code: what each package may import of the others.
// Packages below one of these, sync/registry/registrytest say, count as it,
// unless they are named themselves.
var mayImport = map[string][]string{
	"cmd":                     {"sync/job", "sync/prune", "sync/plan", "sync/spec", "sync/image", "sync/content", "sync/registry", "sync/registry/transport", "sync/report", "sync/fault", "sync/log", "docs"},
	"sync/job":                {"sync/promote", "sync/prune", "sync/run", "sync/origin", "sync/plan", "sync/spec", "sync/image", "sync/keep", "sync/content", "sync/memory", "sync/registry", "sync/registry/quay", "sync/registry/transport", "sync/report", "sync/fault", "sync/log"},
	"sync/promote":            {"sync/run", "sync/origin", "sync/plan", "sync/spec", "sync/image", "sync/content", "sync/registry", "sync/report", "sync/fault", "sync/log"},
	"sync/prune":              {"sync/image", "sync/content", "sync/registry", "sync/report", "sync/fault", "sync/log"},
	"sync/run":                {"sync/plan", "sync/spec", "sync/image", "sync/content", "sync/registry", "sync/report", "sync/fault", "sync/log"},
	"sync/plan":               {"sync/spec", "sync/image", "sync/content", "sync/memory", "sync/registry", "sync/registry/transport", "sync/report", "sync/fault", "sync/log"},
	"sync/origin":             {"sync/spec", "sync/fault", "sync/log"},
	"sync/spec":               {"sync/image", "sync/registry/transport", "sync/report", "sync/fault"},
	"sync/keep":               {"sync/layout", "sync/content", "sync/registry", "sync/fault", "sync/log"},
	"sync/image":              {"sync/keep", "sync/layout", "sync/content", "sync/memory", "sync/registry", "sync/registry/transport", "sync/fault", "sync/log"},
	"sync/layout":             {"sync/content", "sync/registry", "sync/fault"},
	"sync/content":            {"sync/registry", "sync/fault"},
	"sync/registry":           {"sync/registry/transport", "sync/fault", "sync/log"},
	"sync/registry/quay":      {"sync/registry/transport", "sync/fault"},
	"sync/registry/transport": {"sync/fault", "sync/log"},
	"sync/memory":             {},
	"sync/report":             {"sync/fault"},
	"sync/fault":              {},
	"sync/log":                {},
	"docs":                    {},
}

const (
	copyPackage    = "go.podman.io/image/v5/copy"
	testRegistries = "csync/sync/registry/registrytest"
)

func TestImportsPointOneWay(t *testing.T) {
	t.Parallel()
	for file, imports := range sources(t) {
		importer := mapped(path.Dir(file))
		require.Contains(t, mayImport, importer, "%s is in no package of the map", file)
		for _, imported := range imports {
			name, own := strings.CutPrefix(imported, "csync/")
			if own && mapped(name) != importer {
				require.Contains(t, mayImport[importer], mapped(name), "%s imports %s", file, imported)
			}
		}
	}
}

func TestOnlyImageImportsTheLibrarysCopy(t *testing.T) {
	t.Parallel()
	for file, imports := range sources(t) {
		if slices.Contains(imports, copyPackage) {
			require.Equal(t, "sync/image", mapped(path.Dir(file)), file)
		}
	}
}

func TestOnlyTheDemoImportsTestRegistries(t *testing.T) {
	t.Parallel()
	for file, imports := range sources(t) {
		if slices.Contains(imports, testRegistries) {
			require.Equal(t, "cmd/csync-demo", path.Dir(file), file)
		}
	}
}

// mapped is the package of the map that a directory belongs to.
func mapped(directory string) string {
	for above := directory; above != "."; above = path.Dir(above) {
		if _, ok := mayImport[above]; ok {
			return above
		}
	}
	return directory
}

// sources are the imports of each Go file that is not a test, by its path from
// the root of the module.
func sources(t *testing.T) map[string][]string {
	t.Helper()
	root := filepath.Join("..", "..")
	found := map[string][]string{}
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && name != root && (strings.HasPrefix(entry.Name(), ".") || isModule(name)) {
			return filepath.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		relative, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		found[filepath.ToSlash(relative)], err = importsOf(name)
		return err
	})
	require.NoError(t, err)
	require.NotEmpty(t, found)
	return found
}

// isModule reports whether a directory is a module of its own.
func isModule(directory string) bool {
	_, err := os.Stat(filepath.Join(directory, "go.mod"))
	return err == nil
}

func importsOf(file string) ([]string, error) {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	var imports []string
	for _, spec := range parsed.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		imports = append(imports, imported)
	}
	return imports, nil
}
