package registrytest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Blob is a layer, a config or whatever else a manifest names.
type Blob struct {
	MediaType   string
	Content     []byte
	Annotations map[string]string // of its descriptor
}

// Digest is the digest of the content.
func (b Blob) Digest() digest.Digest { return digest.FromBytes(b.Content) }

// Size is the number of bytes that a transfer of b moves.
func (b Blob) Size() int64 { return int64(len(b.Content)) }

// Descriptor describes b as a manifest does.
func (b Blob) Descriptor() ocispec.Descriptor {
	return ocispec.Descriptor{
		MediaType: b.MediaType, Digest: b.Digest(), Size: b.Size(), Annotations: b.Annotations,
	}
}

// RandomLayer makes a layer of somewhat more than size bytes that depends on
// seed and size only.
func RandomLayer(seed, size int) Blob {
	content := make([]byte, size)
	source := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16), byte(seed >> 24)})
	_, _ = source.Read(content) // documented to give every byte and no error
	return FileLayer(fmt.Sprintf("random-%d", seed), content)
}

// compressors are kept, as one has a megabyte.
var compressors = sync.Pool{New: func() any {
	compressor, _ := gzip.NewWriterLevel(nil, gzip.NoCompression) // fails for unknown levels only
	return compressor
}}

// FileLayer makes a layer, a gzipped tar, with one executable file. It is
// stored, not deflated, so that no version of Go changes its digest.
func FileLayer(name string, content []byte) Blob {
	var layer bytes.Buffer
	compressor := compressors.Get().(*gzip.Writer)
	defer compressors.Put(compressor)
	compressor.Reset(&layer)
	archive := tar.NewWriter(compressor)
	header := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o755, Size: int64(len(content))}
	for _, err := range []error{archive.WriteHeader(header), write(archive, content), archive.Close(), compressor.Close()} {
		if err != nil {
			panic(err) // a buffer takes everything
		}
	}
	return Blob{MediaType: ocispec.MediaTypeImageLayerGzip, Content: layer.Bytes()}
}

func write(w io.Writer, content []byte) error {
	_, err := w.Write(content)
	return err
}

// diffID is the digest of the layer's uncompressed content (OCI image
// specification 1.1, "Layer DiffID").
func (b Blob) diffID() digest.Digest {
	decompressor, err := gzip.NewReader(bytes.NewReader(b.Content))
	if err != nil {
		return b.Digest()
	}
	id, err := digest.FromReader(decompressor)
	if err != nil {
		return b.Digest()
	}
	return id
}
