package trust

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/directory"
	"go.podman.io/image/v5/signature"
	"go.podman.io/image/v5/types"

	"csync/sync/fault"
	"csync/sync/memory"
	"csync/sync/registry"
)

func policyOf(t *testing.T, text string) *signature.Policy {
	t.Helper()
	policy, err := signature.NewPolicyFromBytes([]byte(text))
	require.NoError(t, err)
	return policy
}

const (
	anything = `{"type":"insecureAcceptAnything"}`
	reject   = `{"type":"reject"}`
	signed   = `{"type":"signedBy","keyType":"GPGKeys","keyData":"bm9uZQ=="}`
	attests  = `{"type":"sigstoreSigned","keyData":"bm9uZQ=="}`
)

func TestABlanketAnswerTakesNoManifest(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		requirements      string
		decided, admitted bool
		requireSigned     bool
	}{
		"anything":                  {anything, true, true, false},
		"reject":                    {reject, true, false, false},
		"signedBy":                  {signed, false, false, false},
		"sigstoreSigned":            {attests, false, false, false},
		"anything, then signed":     {anything + "," + signed, false, false, false},
		"signed, then reject":       {signed + "," + reject, false, false, false},
		"reject, then signed":       {reject + "," + signed, true, false, false},
		"anything, and a signature": {anything, true, false, true},
		"signedBy, and a signature": {signed, false, false, true},
	} {
		trust := &Trust{Policy: policyOf(t, `{"default":[`+test.requirements+`]}`), RequireSigned: test.requireSigned}
		decided, err := trust.Blanket(t.Context(), referenceTo(t, "q.io/a:1"))
		require.Equal(t, test.decided, decided, name)
		require.Equal(t, test.decided && !test.admitted, err != nil, name)
		if err != nil {
			require.True(t, fault.Is(err, fault.Policy), name)
			require.ErrorContains(t, err, "Source image rejected")
		}
	}
}

func TestABlanketAnswerIsForAReference(t *testing.T) {
	t.Parallel()
	trust := &Trust{Policy: policyOf(t, `{"default":[`+reject+`],"transports":{"docker":{"q.io/a":[`+anything+`],"q.io":[`+signed+`]},"dir":{"":[`+anything+`]}}}`)}
	dir, err := directory.NewReference(t.TempDir())
	require.NoError(t, err)
	for _, test := range []struct {
		ref      types.ImageReference
		decided  bool
		admitted bool
	}{
		{referenceTo(t, "q.io/a:1"), true, true},
		{referenceTo(t, "q.io/a/b:1"), true, true},
		{referenceTo(t, "q.io/b:1"), false, false},
		{referenceTo(t, "r.io/b:1"), true, false},
		{dir, true, true},
	} {
		decided, err := trust.Blanket(t.Context(), test.ref)
		require.Equal(t, test.decided, decided)
		require.Equal(t, test.decided && !test.admitted, err != nil)
	}
}

// store has signatures for every manifest, or fails.
type store struct {
	has    []Signature
	failed error
}

func (s store) Signatures(context.Context, digest.Digest) ([]Signature, error) {
	return s.has, s.failed
}

func TestSignaturesThatCannotBeReadAreNoRefusal(t *testing.T) {
	t.Parallel()
	m, err := manifestOf([]byte(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json"}`))
	require.NoError(t, err)
	for _, requirement := range []string{signed, attests} {
		trust := &Trust{Policy: policyOf(t, `{"default":[`+requirement+`]}`)}
		err := trust.Allow(t.Context(), referenceTo(t, "q.io/a:1"), m, store{failed: fault.New(fault.Network, errors.New("down"))})
		require.True(t, fault.Is(err, fault.Network), "%v", err)
		err = trust.Allow(t.Context(), referenceTo(t, "q.io/a:1"), m, store{has: append(numbered(1), attached(t, 1)...)})
		require.True(t, fault.Is(err, fault.Policy), "%v", err)
	}
}

func manifestOf(content []byte) (registry.Manifest, error) {
	m := registry.Manifest{Bytes: content}
	m.Digest, m.Size, m.MediaType = digest.FromBytes(content), int64(len(content)), "application/vnd.oci.image.manifest.v1+json"
	return m, m.Digest.Validate()
}

func TestWhatWasAdmittedIsRememberedForTheSameQuestionOnly(t *testing.T) {
	t.Parallel()
	key, other := filepath.Join(t.TempDir(), "key"), filepath.Join(t.TempDir(), "other")
	require.NoError(t, os.WriteFile(key, []byte("a key"), 0o600))
	require.NoError(t, os.WriteFile(other, []byte("a key"), 0o600))
	admitted := memory.New[Admission]()
	policy := func(path string) string {
		return fmt.Sprintf(`{"default":[%s],"transports":{"docker":{"q.io/somePath":[{"type":"signedBy","keyType":"GPGKeys","keyPaths":[%q]}],"q.io":[{"type":"sigstoreSigned","keyPath":%q}]}}}`, reject, path, path)
	}
	question := Question{referenceTo(t, "q.io/a:1"), of, digest.FromString("chosen")}
	admission := Admission{Subjects: []digest.Digest{of}}
	asking := func(text string, requireSigned bool) *Trust {
		return &Trust{Policy: policyOf(t, text), RequireSigned: requireSigned, Admitted: admitted}
	}
	_, known := asking(policy(key), false).Remembered(question)
	require.False(t, known)
	asking(policy(key), false).Remember(question, admission)

	found, known := asking(policy(key), false).Remembered(question)
	require.True(t, known)
	require.Equal(t, admission, found)

	for name, q := range map[string]Question{
		"another tag":    {referenceTo(t, "q.io/a:2"), question.Source, question.Chosen},
		"another source": {question.Reference, digest.FromString("x"), question.Chosen},
		"another choice": {question.Reference, question.Source, of},
	} {
		_, known := asking(policy(key), false).Remembered(q)
		require.False(t, known, name)
	}
	for name, trust := range map[string]*Trust{
		"another policy":     asking(`{"default":[`+anything+`]}`, false),
		"another file":       asking(policy(other), false),
		"a file that is not": asking(policy(key+"x"), false),
		"signatures wanted":  asking(policy(key), true),
		"no memory":          {Policy: policyOf(t, policy(key))},
	} {
		_, known := trust.Remembered(question)
		require.False(t, known, name)
	}
	require.NoError(t, os.WriteFile(key, []byte("another key"), 0o600))
	_, known = asking(policy(key), false).Remembered(question)
	require.False(t, known, "another key under the same name")
	require.NoError(t, os.WriteFile(key, []byte("a key"), 0o600))
	_, known = asking(policy(key), false).Remembered(question)
	require.True(t, known)
	require.NoError(t, os.Remove(key))
	_, known = asking(policy(key), false).Remembered(question)
	require.False(t, known, "no key any more")
}

func TestEveryFileOfAPolicyIsPartOfIt(t *testing.T) {
	t.Parallel()
	for _, requirement := range []string{
		`{"type":"signedBy","keyType":"GPGKeys","keyPath":"FILE"}`,
		`{"type":"signedBy","keyType":"GPGKeys","keyPaths":["/dev/null","FILE"]}`,
		`{"type":"sigstoreSigned","keyPath":"FILE"}`,
		`{"type":"sigstoreSigned","keyPaths":["/dev/null","FILE"]}`,
		`{"type":"sigstoreSigned","keyPath":"/dev/null","rekorPublicKeyPath":"FILE"}`,
		`{"type":"sigstoreSigned","keyPath":"/dev/null","rekorPublicKeyPaths":["FILE"]}`,
		`{"type":"sigstoreSigned","fulcio":{"caPath":"FILE","oidcIssuer":"https://i","subjectEmail":"a@b"},"rekorPublicKeyPath":"/dev/null"}`,
		`{"type":"sigstoreSigned","pki":{"caRootsPath":"FILE","subjectEmail":"a@b"}}`,
		`{"type":"sigstoreSigned","pki":{"caRootsPath":"/dev/null","caIntermediatesPath":"FILE","subjectEmail":"a@b"}}`,
	} {
		file := filepath.Join(t.TempDir(), "file")
		var seen []string
		for _, content := range []string{"a", "b"} {
			require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
			policy := `{"default":[` + reject + `],"transports":{"docker":{"":[` + strings.ReplaceAll(requirement, "FILE", file) + `]}}}`
			seen = append(seen, (&Trust{Policy: policyOf(t, policy)}).digest())
		}
		require.NotEmpty(t, seen[0])
		require.NotEqual(t, seen[0], seen[1], requirement)
	}
}
