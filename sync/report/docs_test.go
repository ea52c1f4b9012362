package report

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"csync/sync/fault"

	"github.com/stretchr/testify/require"
)

func reference(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "docs", "report.md"))
	require.NoError(t, err)
	return string(data)
}

func TestTheReferenceShowsAGoldenReport(t *testing.T) {
	t.Parallel()
	example, err := os.ReadFile(golden("done"))
	require.NoError(t, err)
	require.Contains(t, reference(t), "```json\n"+string(example)+"```\n")
}

func TestTheReferenceNamesEveryField(t *testing.T) {
	t.Parallel()
	prose, _, _ := strings.Cut(reference(t), "## Example")
	for _, object := range []any{Report{}, Summary{}, Result{}, Error{}} {
		for _, field := range reflect.VisibleFields(reflect.TypeOf(object)) {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			require.Contains(t, prose, "`"+name+"`")
		}
	}
}

func TestTheReferenceNamesEveryValue(t *testing.T) {
	t.Parallel()
	got := reference(t)
	for _, action := range []Action{Copy, Retag, Assemble, Merge, Delete} {
		require.Contains(t, got, "`"+string(action)+"`")
	}
	for _, status := range []Status{Done, Unchanged, Planned, Skipped, Failed, RolledBack} {
		require.Contains(t, got, "| `"+string(status)+"` |")
	}
	for _, kind := range everyKind {
		require.Contains(t, got, "| `"+string(kind)+"` |")
	}
	for _, side := range []fault.Side{fault.InputSide, fault.Source, fault.Destination} {
		require.Contains(t, got, "`"+string(side)+"`")
	}
}
