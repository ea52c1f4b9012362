package trust

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	"go.podman.io/image/v5/transports"
	"go.podman.io/image/v5/types"
)

// Admission is what has been found out of an image that a policy has admitted
// because of its signatures.
type Admission struct {
	// Subjects are the manifests that were asked about: the image's and those of
	// its instances.
	Subjects []digest.Digest `json:"subjects"`
}

// Question is what a policy was asked: a source's manifest under its name, and
// what was chosen of it.
type Question struct {
	Reference      types.ImageReference
	Source, Chosen digest.Digest
}

// Remembered is what an earlier run, or this one, has found out under the same
// policy, with the same keys.
func (t *Trust) Remembered(q Question) (Admission, bool) {
	if key, sure := t.key(q); sure {
		return t.Admitted.Find(key)
	}
	return Admission{}, false
}

// Remember keeps that the policy has admitted the image.
func (t *Trust) Remember(q Question, a Admission) {
	if key, sure := t.key(q); sure {
		t.Admitted.Keep(key, a)
	}
}

// key is what an answer is remembered under; sure is false where the policy
// could change without it.
func (t *Trust) key(q Question) (key string, sure bool) {
	if t.Admitted == nil {
		return "", false
	}
	t.fingerprint.Do(func() { t.policyIs = t.digest() })
	return strings.Join([]string{t.policyIs, transports.ImageName(q.Reference), q.Source.String(), q.Chosen.String()}, " "), t.policyIs != ""
}

// digest is that of the policy and of every file it names: with other keys it
// is another policy. It is empty where that cannot be said.
func (t *Trust) digest() string {
	content, err := json.Marshal(t.Policy)
	if err != nil {
		return ""
	}
	sum := sha256.New()
	sum.Write(content)
	if t.RequireSigned {
		sum.Write([]byte("signed"))
	}
	var parsed any
	_ = json.Unmarshal(content, &parsed) // it has just been encoded
	for _, path := range paths(parsed, "") {
		key, err := os.ReadFile(path)
		if err != nil {
			key = []byte(err.Error())
		}
		part := sha256.Sum256(key)
		sum.Write(part[:])
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// paths are the files that a policy names, in a fixed order. Their keys end
// with "Path" or "Paths" (containers-policy.json(5)).
func paths(value any, key string) []string {
	var found []string
	switch value := value.(type) {
	case string:
		if strings.HasSuffix(key, "Path") || strings.HasSuffix(key, "Paths") {
			found = append(found, value)
		}
	case []any:
		for _, element := range value {
			found = append(found, paths(element, key)...)
		}
	case map[string]any:
		keys := make([]string, 0, len(value))
		for name := range value {
			keys = append(keys, name)
		}
		slices.Sort(keys)
		for _, name := range keys {
			found = append(found, paths(value[name], name)...)
		}
	}
	return found
}
