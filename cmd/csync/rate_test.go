package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRatesAreReadPerSecondAndPerMinute(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, host string
		perSecond  float64
	}{
		{"docker.io=100/m", "docker.io", 100.0 / 60},
		{"q.io:5000=2.5/s", "q.io:5000", 2.5},
	} {
		host, perSecond, err := parseRate(c.text)
		require.NoError(t, err)
		require.Equal(t, c.host, host)
		require.InDelta(t, c.perSecond, perSecond, 1e-9)
	}
	for _, wrong := range []string{"", "docker.io", "docker.io=", "docker.io=1", "docker.io=1/h", "=1/s", "docker.io=0/s", "docker.io=-1/s", "docker.io=many/s"} {
		_, _, err := parseRate(wrong)
		require.ErrorContains(t, err, "HOST=N/s", wrong)
	}
}
