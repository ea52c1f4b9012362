package log_test

import (
	"bytes"
	"testing"

	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/require"

	"csync/sync/log"
)

func TestEachContextHasALogOfItsOwn(t *testing.T) {
	t.Parallel()
	var first, second bytes.Buffer
	for name, out := range map[string]*bytes.Buffer{"first": &first, "second": &second} {
		logger := logrus.New()
		logger.SetOutput(out)
		log.From(log.With(t.Context(), logger)).Warn(name)
	}
	require.Contains(t, first.String(), "msg=first")
	require.Contains(t, second.String(), "msg=second")
	require.NotContains(t, first.String(), "second")
}

func TestWithoutALogNobodyIsTold(t *testing.T) {
	var out bytes.Buffer
	standard := logrus.StandardLogger().Out
	logrus.SetOutput(&out)
	t.Cleanup(func() { logrus.SetOutput(standard) })
	log.From(t.Context()).Warn("a secret of nobody")
	require.Empty(t, out.String())
}
