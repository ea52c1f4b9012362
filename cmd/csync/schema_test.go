package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEverySchemaThatIsListedCanBePrinted(t *testing.T) {
	list := runCsync(t, "schema")
	require.Equal(t, exitDone, list.code, list.err)
	names := strings.Fields(list.out)
	require.Contains(t, names, "source")
	for _, name := range names {
		got := runCsync(t, "schema", name)
		require.Equal(t, exitDone, got.code, got.err)
		require.True(t, json.Valid([]byte(got.out)), name)
	}
}
