package gpg

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatGPGSaysIsOneLineWithoutThePassphrase(t *testing.T) {
	t.Parallel()
	require.Equal(t, "gpg: no ***; gpg: [31mend", message("gpg: no hunter2\ngpg: \x1b[31mend\n", "hunter2"))
}

func TestWhatGPGSaysIsBounded(t *testing.T) {
	t.Parallel()
	var said head
	for range 100 {
		written, err := said.Write([]byte(strings.Repeat("é", 1<<10)))
		require.NoError(t, err)
		require.Equal(t, 2<<10, written)
	}
	require.Equal(t, longestKept, said.Len())
	require.Equal(t, strings.Repeat("é", longestMessage/2)+"…", message(said.String(), ""))
}
