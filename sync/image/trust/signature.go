package trust

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"csync/sync/fault"
)

const (
	maxSignatures = 128     // of one manifest, as containers/image has it
	maxSignature  = 4 << 20 // bytes
)

// Signature is one in the form in which lookasides and dir: keep it: a simple
// signature as it is, any other behind its format's name (containers/image's
// signature-protocols.md).
type Signature []byte

// Store is where signatures are.
type Store interface {
	// Signatures are those of the manifest with the digest, in their order.
	Signatures(ctx context.Context, of digest.Digest) ([]Signature, error)
}

// Once is a [Store] that asks another once for each manifest.
type Once struct {
	Store
	mu    sync.Mutex
	known map[digest.Digest]func() ([]Signature, error)
}

// Signatures are what the other store had when it was first asked. Who was asked
// in vain is asked again.
func (o *Once) Signatures(ctx context.Context, of digest.Digest) ([]Signature, error) {
	for {
		found, err := o.read(ctx, of)()
		if err == nil {
			return found, nil
		}
		o.mu.Lock()
		delete(o.known, of)
		o.mu.Unlock()
		if ctx.Err() != nil || !fault.Is(err, fault.Cancelled) { // which another may have been
			return nil, err
		}
	}
}

func (o *Once) read(ctx context.Context, of digest.Digest) func() ([]Signature, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.known == nil {
		o.known = map[digest.Digest]func() ([]Signature, error){}
	}
	if o.known[of] == nil {
		o.known[of] = sync.OnceValues(func() ([]Signature, error) { return o.Store.Signatures(ctx, of) })
	}
	return o.known[of]
}

var (
	simplePrefix   = []byte("\x00simple-signing\n")
	sigstorePrefix = []byte("\x00sigstore-json\n")
)

// parse checks the form of a signature that somebody has sent.
func parse(content []byte) (Signature, error) {
	switch {
	case bytes.HasPrefix(content, simplePrefix):
		return Signature(content[len(simplePrefix):]), nil
	case bytes.HasPrefix(content, sigstorePrefix), len(content) > 0 && (content[0] >= 0x80 || content[0] == 0x3d): // OpenPGP's packets, RFC 4880 §4.2
		return Signature(content), nil
	}
	return nil, fault.New(fault.Unsupported, fmt.Errorf("parsing signature: unrecognized format, starting with %.16q", content))
}

// Sigstore reports whether the signature is sigstore's, kept beside the image,
// and no simple one.
func (s Signature) Sigstore() bool { return bytes.HasPrefix(s, sigstorePrefix) }

// attachment is a sigstore signature as a layer of an attached manifest.
type attachment struct {
	MIMEType    string            `json:"mimeType"`
	Payload     []byte            `json:"payload"`
	Annotations map[string]string `json:"annotations"`
}

// signature is the attachment in the form of a [Signature].
func (a attachment) signature() (Signature, error) {
	content, err := json.Marshal(a)
	return append(bytes.Clone(sigstorePrefix), content...), err
}

// attachment is what a sigstore signature holds.
func (s Signature) attachment() (a attachment, err error) {
	if err = json.Unmarshal(s[len(sigstorePrefix):], &a); err != nil {
		err = fault.New(fault.Unsupported, fmt.Errorf("parsing signature: %w", err))
	}
	return a, err
}

// layer describes the attachment in a manifest.
func (a attachment) layer() v1.Descriptor {
	return v1.Descriptor{
		MediaType: a.MIMEType, Digest: digest.FromBytes(a.Payload), Size: int64(len(a.Payload)), Annotations: a.Annotations,
	}
}

// certificate is the annotation of who signs with a certificate (cosign's
// SIGNATURE_SPEC).
const certificate = "dev.sigstore.cosign/certificate"

// Certified is what a sigstore signature with a certificate says; certified is
// false for every other.
func (s Signature) Certified() (payload []byte, certified bool) {
	if !s.Sigstore() {
		return nil, false
	}
	a, err := s.attachment()
	return a.Payload, err == nil && a.Annotations[certificate] != ""
}
