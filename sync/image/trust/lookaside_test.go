package trust

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"csync/sync/fault"
)

// of is the digest of a manifest in these tests.
const of = digest.Digest("sha256:" + zeros)

// shelf is a lookaside in memory, and what was asked of it.
type shelf struct {
	has    map[int]string // by the number in the name
	failed error          // for what it has not
	mu     sync.Mutex
	asked  map[string]int
}

func (s *shelf) fetch(_ context.Context, at *url.URL, _ int64) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asked == nil {
		s.asked = map[string]int{}
	}
	s.asked[at.String()]++
	number, err := strconv.Atoi(at.Path[strings.LastIndex(at.Path, "-")+1:])
	if err != nil {
		return nil, err
	}
	if content, there := s.has[number]; there {
		return []byte(content), nil
	}
	if s.failed != nil {
		return nil, s.failed
	}
	return nil, fault.New(fault.NotFound, errors.New("404"))
}

func (s *shelf) lookaside() lookaside {
	return lookaside{base: &url.URL{Scheme: "https", Host: "s.io", Path: "/x/a/b"}, fetch: s.fetch}
}

// numbered are simple signatures that can be told apart.
func numbered(numbers ...int) (all []Signature) {
	for _, number := range numbers {
		all = append(all, Signature(fmt.Sprintf("\xa3 %d", number)))
	}
	return all
}

func shelfOf(numbers ...int) *shelf {
	s := &shelf{has: map[int]string{}}
	for _, number := range numbers {
		s.has[number] = string(numbered(number)[0])
	}
	return s
}

func upTo(last int) (all []int) {
	for number := 1; number <= last; number++ {
		all = append(all, number)
	}
	return all
}

func TestSignaturesAreReadInTheirOrderUpToTheFirstThatIsMissing(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		has, found      []int
		expected, asked int
	}{
		{nil, nil, 0, 1},
		{nil, nil, 1, 2},
		{upTo(1), upTo(1), 1, 2},
		{upTo(3), upTo(3), 1, 4},
		{upTo(3), upTo(3), 3, 4},
		{upTo(3), upTo(3), 5, 6},
		{[]int{1, 2, 4}, upTo(2), 1, 3},
		{[]int{1, 2, 4}, upTo(2), 4, 5},
		{[]int{2, 3}, nil, 1, 2},
		{upTo(127), upTo(127), 1, 128},
	} {
		s := shelfOf(test.has...)
		found, err := s.lookaside().signatures(t.Context(), of, test.expected)
		require.NoError(t, err)
		require.Equal(t, numbered(test.found...), found)
		require.Len(t, s.asked, test.asked)
		require.Contains(t, s.asked, "https://s.io/x/a/b@sha256="+zeros+"/signature-1")
		for name, times := range s.asked {
			require.Equal(t, 1, times, name)
		}
	}
}

func TestALookasideWithoutAnEndIsLeft(t *testing.T) {
	t.Parallel()
	for _, expected := range []int{1, 50, 127} {
		s := shelfOf(upTo(500)...)
		_, err := s.lookaside().signatures(t.Context(), of, expected)
		require.ErrorContains(t, err, "unreasonable")
		require.True(t, fault.Is(err, fault.Unsupported))
		require.LessOrEqual(t, len(s.asked), maxSignatures)
	}
}

func TestWhatALookasideCannotSayIsNoAbsence(t *testing.T) {
	t.Parallel()
	s := shelfOf(1)
	s.failed = fault.New(fault.Network, errors.New("500"))
	_, err := s.lookaside().signatures(t.Context(), of, 1)
	require.ErrorContains(t, err, "reading signature https://s.io/x/a/b@sha256=")
	require.True(t, fault.Is(err, fault.Network))
}

func TestWhatIsNoSignatureIsRefused(t *testing.T) {
	t.Parallel()
	for _, hostile := range []string{"", "<html>", "\x00", "\x00unknown\nx", "\x00simple-signing", "{}", "\x01\x02"} {
		s := &shelf{has: map[int]string{1: hostile}}
		_, err := s.lookaside().signatures(t.Context(), of, 1)
		require.ErrorContains(t, err, "parsing signature", "%q", hostile)
	}
	s := &shelf{has: map[int]string{1: "\x00simple-signing\nx", 2: "\x00sigstore-json\n{}", 3: "\xa3"}}
	found, err := s.lookaside().signatures(t.Context(), of, 1)
	require.NoError(t, err)
	require.Equal(t, []Signature{Signature("x"), Signature("\x00sigstore-json\n{}"), Signature("\xa3")}, found)
	require.False(t, found[0].Sigstore())
	require.True(t, found[1].Sigstore())
}

func TestADigestCannotLeaveTheLookaside(t *testing.T) {
	t.Parallel()
	for _, hostile := range []digest.Digest{"", "sha256:../../x", digest.Digest("sha256:" + zeros[1:]), "x:y"} {
		s := shelfOf(1)
		_, err := s.lookaside().signatures(t.Context(), hostile, 1)
		require.True(t, fault.Is(err, fault.Unsupported), "%v", err)
		require.Empty(t, s.asked)
	}
}

func directoryLookaside(t *testing.T) lookaside {
	t.Helper()
	directory := t.TempDir()
	return lookaside{base: &url.URL{Scheme: "file", Path: directory + "/a/b"}}
}

func TestSignaturesAreWrittenBehindThoseThatAreThere(t *testing.T) {
	t.Parallel()
	l := directoryLookaside(t)
	found, err := l.signatures(t.Context(), of, 1)
	require.NoError(t, err)
	require.Empty(t, found)
	require.NoError(t, l.add(of, 0, numbered(1)))
	require.NoError(t, l.add(of, 1, numbered(2, 3)))

	found, err = l.signatures(t.Context(), of, 1)

	require.NoError(t, err)
	require.Equal(t, numbered(1, 2, 3), found)
	path := l.base.Path + "@sha256=" + zeros
	entries, err := os.ReadDir(path)
	require.NoError(t, err)
	require.Len(t, entries, 3, "nothing temporary stays")
	stat, err := os.Stat(filepath.Join(path, "signature-2"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o644), stat.Mode().Perm(), "for a server to read")
}

func TestASignatureThatCannotBeWrittenIsAnError(t *testing.T) {
	t.Parallel()
	l := directoryLookaside(t)
	require.NoError(t, os.MkdirAll(filepath.Dir(l.base.Path), 0o700))
	require.NoError(t, os.WriteFile(l.base.Path+"@sha256="+zeros, nil, 0o600))
	require.ErrorContains(t, l.add(of, 0, numbered(1)), "writing signature")
	err := shelfOf().lookaside().add(of, 0, numbered(1))
	require.ErrorContains(t, err, "signatures cannot be written to the lookaside https://s.io/x/a/b")
	require.ErrorContains(t, err, "lookaside-staging")
	_, err = lookaside{base: &url.URL{Scheme: "ftp", Host: "s.io"}}.signatures(t.Context(), of, 1)
	require.True(t, fault.Is(err, fault.Unsupported))
}

func TestADirectoryMayHaveNoSignaturesOfTheRepository(t *testing.T) {
	t.Parallel()
	l := directoryLookaside(t)
	require.False(t, l.possible())
	other := lookaside{base: &url.URL{Scheme: "file", Path: l.base.Path + "c"}}
	require.NoError(t, other.add(of, 0, numbered(1)))
	require.False(t, l.possible(), "of another repository only")
	require.NoError(t, l.add(of, 0, numbered(1)))
	require.True(t, l.possible())
	require.True(t, shelfOf().lookaside().possible())
	strange := lookaside{base: &url.URL{Scheme: "file", Path: filepath.Join(filepath.Dir(l.base.Path), "[b]*")}}
	require.False(t, strange.possible())
	require.NoError(t, strange.add(of, 0, numbered(1)))
	require.True(t, strange.possible())
}
