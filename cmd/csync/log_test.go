package main

import (
	"bytes"
	"encoding/json"
	"testing"

	"csync/sync/fault"

	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/require"
)

// keepLogging puts logging back as it was when the test ends.
func keepLogging(t *testing.T) {
	t.Helper()
	logger := logrus.StandardLogger()
	out, level, formatter := logger.Out, logger.GetLevel(), logger.Formatter
	t.Cleanup(func() {
		logrus.SetOutput(out)
		logrus.SetLevel(level)
		logrus.SetFormatter(formatter)
	})
}

func TestLogLinesOfTheLevelAndAboveAreWritten(t *testing.T) {
	keepLogging(t)
	var out bytes.Buffer
	require.NoError(t, setUpLogging(&out, "warn", "text"))
	logrus.Info("a detail")
	logrus.WithField("source", "docker://q.io/a").Warn("trying again")
	require.Regexp(t, `^time="?\S+"? level=warning msg="trying again" source="docker://q.io/a"\n$`, out.String())
}

func TestLogLinesCanBeJSON(t *testing.T) {
	keepLogging(t)
	var out bytes.Buffer
	require.NoError(t, setUpLogging(&out, "info", "json"))
	logrus.Info("<done>")
	var line map[string]string
	require.NoError(t, json.Unmarshal(out.Bytes(), &line))
	require.Equal(t, "<done>", line["msg"])
	require.Equal(t, "info", line["level"])
	require.Contains(t, out.String(), "<done>")
}

func TestLogOptionsThatDoNotExistAreInputErrors(t *testing.T) {
	keepLogging(t)
	for _, err := range []error{
		setUpLogging(&bytes.Buffer{}, "loud", "text"),
		setUpLogging(&bytes.Buffer{}, "info", "xml"),
	} {
		require.True(t, fault.Is(err, fault.Input))
		require.ErrorContains(t, err, "want ")
	}
}
