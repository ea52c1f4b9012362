package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"csync/sync/fault"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden reports anew")

func golden(name string) string {
	return filepath.Join("..", "..", "testdata", "report", name+".json")
}

func TestJSONIsTheGoldenReport(t *testing.T) {
	t.Parallel()
	for name, r := range samples() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got bytes.Buffer
			require.NoError(t, r.WriteJSON(&got))
			if *update {
				require.NoError(t, os.WriteFile(golden(name), got.Bytes(), 0o644))
			}
			want, err := os.ReadFile(golden(name))
			require.NoError(t, err)
			require.Equal(t, string(want), got.String())
		})
	}
}

func TestGoldenReportsReadBackWhole(t *testing.T) {
	t.Parallel()
	for name, r := range samples() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(golden(name))
			require.NoError(t, err)
			decoder := json.NewDecoder(bytes.NewReader(data))
			decoder.DisallowUnknownFields()
			var got Report
			require.NoError(t, decoder.Decode(&got))
			require.Equal(t, *r, got)
		})
	}
}

func TestGoldenFailuresHaveEveryKind(t *testing.T) {
	t.Parallel()
	kinds := map[fault.Kind]bool{}
	for _, result := range samples()["failures"].Results {
		kinds[result.Error.Kind] = true
	}
	for _, kind := range everyKind {
		require.True(t, kinds[kind], kind)
	}
}

var everyKind = []fault.Kind{
	fault.Input, fault.NotFound, fault.Unauthorized, fault.Denied, fault.RateLimited, fault.Network, fault.TLS,
	fault.DigestMismatch, fault.Conflict, fault.Policy, fault.Unsupported, fault.Cancelled, fault.Internal,
}
