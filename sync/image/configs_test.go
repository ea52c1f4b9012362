package image

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
)

// opening opens a blob, or fails in turn with the errors; it counts.
func opening(blob registrytest.Blob, opened *int, failures ...error) openBlob {
	return func(context.Context, v1.Descriptor) (io.ReadCloser, error) {
		*opened++
		if *opened <= len(failures) {
			return nil, failures[*opened-1]
		}
		return io.NopCloser(bytes.NewReader(blob.Content)), nil
	}
}

func TestAConfigIsReadWhenItIsFirstAskedFor(t *testing.T) {
	t.Parallel()
	var c configs
	blob, opened := registrytest.RandomImage(1).Blobs[0], 0
	for range 3 {
		config, err := c.read(t.Context(), blob.Descriptor(), opening(blob, &opened))
		require.NoError(t, err)
		require.Equal(t, blob.Content, config)
	}
	require.Equal(t, 1, opened)
}

func TestAConfigThatCouldNotBeReadIsReadForTheNext(t *testing.T) {
	t.Parallel()
	var c configs
	blob, opened := registrytest.RandomImage(1).Blobs[0], 0
	open := opening(blob, &opened, errors.New("broken off"))
	_, err := c.read(t.Context(), blob.Descriptor(), open)
	require.EqualError(t, err, "broken off")
	config, err := c.read(t.Context(), blob.Descriptor(), open)
	require.NoError(t, err)
	require.Equal(t, blob.Content, config)
}

func TestOneWhoGivesUpDoesNotTakeAConfigFromAnother(t *testing.T) {
	t.Parallel()
	var c configs
	blob, opened := registrytest.RandomImage(1).Blobs[0], 0
	gaveUp := opening(blob, new(int), fault.New(fault.Cancelled, context.Canceled))
	c.reader(t.Context(), blob.Descriptor(), gaveUp) // which is waited for

	config, err := c.read(t.Context(), blob.Descriptor(), opening(blob, &opened))

	require.NoError(t, err)
	require.Equal(t, blob.Content, config)
	require.Equal(t, 1, opened)
}

func TestConfigsAreForgottenWhereThereAreTooMany(t *testing.T) {
	t.Parallel()
	var c configs
	for i := range int64(5) {
		d := registrytest.RandomImage(int(i)).Blobs[0].Descriptor()
		d.Size = maxHeld / 2
		c.reader(t.Context(), d, nil)
		require.LessOrEqual(t, int64(len(c.reads))*d.Size, int64(maxHeld))
	}
}
