package run

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	"csync/sync/image"
)

// shelf are spools whose pumps end with the test.
func shelf(t *testing.T) *spools {
	t.Helper()
	return &spools{
		directory: t.TempDir(), open: map[digest.Digest]*spool{},
		begin: func() (context.Context, context.CancelFunc) { return context.WithCancel(t.Context()) },
	}
}

// blobFrom is a blob with the content, which every opening reads from another of
// the readers.
func blobFrom(content string, readers ...io.Reader) image.Blob {
	opened := -1
	return image.Blob{
		Descriptor: v1.Descriptor{Digest: digest.FromString(content), Size: int64(len(content))},
		Open: func(context.Context) (io.ReadCloser, error) {
			opened++
			return io.NopCloser(readers[opened]), nil
		},
	}
}

func uncounted(int64) {}

// everything is what a new reader of the spool gets.
func everything(t *testing.T, s *spool) (string, error) {
	t.Helper()
	reader, err := s.reader(t.Context())
	if err != nil {
		return "", err
	}
	defer reader.Close()
	content, err := io.ReadAll(reader)
	return string(content), err
}

func isClosed(s *spool) bool {
	_, err := s.file.Stat()
	return errors.Is(err, os.ErrClosed)
}

func TestEveryReaderOfASpoolGetsAllOfABlobThatIsReadOnce(t *testing.T) {
	t.Parallel()
	spools, counted := shelf(t), int64(0)
	blob := blobFrom("the content", strings.NewReader("the content"))
	one, err := spools.join(blob, func(n int64) { counted += n })
	require.NoError(t, err)
	two, err := spools.join(blob, uncounted)
	require.NoError(t, err)
	require.Same(t, one, two)

	for range 2 {
		content, err := everything(t, one)
		require.NoError(t, err)
		require.Equal(t, "the content", content)
	}
	require.EqualValues(t, len("the content"), counted)
}

func TestASpoolIsReadWhileItIsFilled(t *testing.T) {
	t.Parallel()
	spools := shelf(t)
	source, more := io.Pipe()
	s, err := spools.join(blobFrom("first, second", source), uncounted)
	require.NoError(t, err)
	defer spools.leave(digest.FromString("first, second"), s)
	reader, err := s.reader(t.Context())
	require.NoError(t, err)

	read := make([]byte, len("first, "))
	_, err = io.WriteString(more, "first, ")
	require.NoError(t, err)
	_, err = io.ReadFull(reader, read)
	require.NoError(t, err)
	require.Equal(t, "first, ", string(read))
	_, err = io.WriteString(more, "second")
	require.NoError(t, err)
	require.NoError(t, more.Close())
	rest, err := io.ReadAll(reader)
	require.NoError(t, err)
	require.Equal(t, "second", string(rest))
}

func TestWhatASpoolHasOfABrokenBlobIsNotRead(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken off")
	for name, c := range map[string]struct {
		reader io.Reader
		words  string
	}{
		"broken off":  {io.MultiReader(strings.NewReader("the"), iotest.ErrReader(broken)), "broken off"},
		"other bytes": {strings.NewReader("THE CONTENT"), "digest"},
		"too short":   {strings.NewReader("the"), "3 instead of 11 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := shelf(t).join(blobFrom("the content", c.reader), uncounted)
			require.NoError(t, err)
			<-s.pumped
			content, err := everything(t, s)
			require.ErrorContains(t, err, c.words)
			require.Empty(t, content)
			require.True(t, s.failed())
		})
	}
}

func TestASpoolThatCannotBeOpenedSaysWhyAtItsReaders(t *testing.T) {
	t.Parallel()
	blob := blobFrom("the content")
	blob.Open = func(context.Context) (io.ReadCloser, error) { return nil, errors.New("not there") }
	s, err := shelf(t).join(blob, uncounted)
	require.NoError(t, err)
	_, err = everything(t, s)
	require.EqualError(t, err, "not there")
}

func TestTheLastToLeaveASpoolEndsItsPumpAndGivesTheFileBack(t *testing.T) {
	t.Parallel()
	spools := shelf(t)
	ended := make(chan struct{})
	blob := blobFrom("the content")
	blob.Open = func(ctx context.Context) (io.ReadCloser, error) {
		<-ctx.Done()
		close(ended)
		return nil, ctx.Err()
	}
	s, err := spools.join(blob, uncounted)
	require.NoError(t, err)
	_, err = spools.join(blob, uncounted)
	require.NoError(t, err)
	entries, err := os.ReadDir(spools.directory)
	require.NoError(t, err)
	require.Empty(t, entries, "it has no name, so that nothing is left after a crash")

	spools.leave(blob.Digest, s)
	require.False(t, isClosed(s))
	spools.leave(blob.Digest, s)
	<-ended
	require.True(t, isClosed(s))
	require.Empty(t, spools.open)
}

func TestAReaderThatWaitsIsGivenUpWithItsContext(t *testing.T) {
	t.Parallel()
	source, never := io.Pipe()
	defer never.Close()
	s, err := shelf(t).join(blobFrom("the content", source), uncounted)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	reader, err := s.reader(ctx)
	require.NoError(t, err)
	waited := make(chan error)
	go func() {
		_, err := reader.Read(make([]byte, 1))
		waited <- err
	}()
	cancel()
	require.ErrorIs(t, <-waited, context.Canceled)

	unopened := &spool{opened: make(chan struct{})}
	_, err = unopened.reader(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

func TestABatchReadsABrokenBlobAnewAndLeavesBothSpools(t *testing.T) {
	t.Parallel()
	spools := shelf(t)
	b := &batch{shelf: spools, joined: map[digest.Digest]*spool{}}
	blob := blobFrom("the content", strings.NewReader("broken"), strings.NewReader("the content"))
	first, err := b.join(blob, uncounted)
	require.NoError(t, err)
	<-first.pumped

	second, err := b.join(blob, uncounted)
	require.NoError(t, err)
	again, err := b.join(blob, uncounted)
	require.NoError(t, err)
	require.NotSame(t, first, second)
	require.Same(t, second, again)
	require.Equal(t, 1, second.users)
	content, err := everything(t, second)
	require.NoError(t, err)
	require.Equal(t, "the content", content)
	require.False(t, isClosed(first), "it may still be being read")

	b.close()
	require.True(t, isClosed(first))
	require.True(t, isClosed(second))
	require.Empty(t, spools.open)
}

func TestLeavingAReplacedSpoolKeepsTheOneInItsPlace(t *testing.T) {
	t.Parallel()
	spools := shelf(t)
	blob := blobFrom("the content", strings.NewReader("broken"), strings.NewReader("the content"))
	first, err := spools.join(blob, uncounted)
	require.NoError(t, err)
	<-first.pumped
	second, err := spools.join(blob, uncounted)
	require.NoError(t, err)

	spools.leave(blob.Digest, first)

	there, err := spools.join(blob, uncounted)
	require.NoError(t, err)
	require.Same(t, second, there)
}
