package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestJSONEqualsTheStandardEncoding(t *testing.T) {
	t.Parallel()
	for _, results := range [][]Result{nil, doneResults()[:1], doneResults()} {
		r := finished("sync", false, results)
		var want, got bytes.Buffer
		encoder := json.NewEncoder(&want)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", indent)
		require.NoError(t, encoder.Encode(r))
		require.NoError(t, r.WriteJSON(&got))
		require.Equal(t, want.String(), got.String())
	}
}

func TestJSONAlwaysHasTheFieldsThatScriptsRead(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, finished("sync", false, []Result{{}}).WriteJSON(&out))
	var got struct {
		Summary map[string]any
		Results []map[string]any
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &got))
	require.ElementsMatch(t, []string{
		"action", "status", "source", "destination", "verified",
		"bytes_read", "bytes_written", "bytes_reused", "attempts", "duration_ms",
	}, keys(got.Results[0]))
	require.Len(t, got.Summary, 15)
}

func TestJSONOfAReportThatIsNotFinishedHasResultsAndRequests(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, New("sync", "1.2.0", false, start).WriteJSON(&out))
	require.Contains(t, out.String(), `"results": []`)
	require.Contains(t, out.String(), `"requests": {}`)
}

func TestJSONLeavesMarkupInMessagesAlone(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, samples()["failures"].WriteJSON(&out))
	require.Contains(t, out.String(), "unexpected <state> & no more")
}

func TestWritingSaysThatTheOutputIsFull(t *testing.T) {
	t.Parallel()
	r := finished("sync", false, manyResults(1000))
	require.ErrorIs(t, r.WriteJSON(full{}), errFull)
	require.ErrorIs(t, r.WriteText(full{}), errFull)
	require.ErrorIs(t, r.WriteHTML(full{}), errFull)
}

var errFull = errors.New("no space left")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

func manyResults(n int) []Result {
	results := make([]Result, n)
	for i := range results {
		results[i] = copied(fmt.Sprintf("image-%05d", i), "1")
	}
	return results
}

func keys(object map[string]any) []string {
	var names []string
	for name := range object {
		names = append(names, name)
	}
	return names
}
