package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/registry/registrytest"
)

const promotedHash = "3f2a9b1c_9b1c2d3e"

// killed is a promotion of two images to two registries by the program itself.
type killed struct {
	source       *registrytest.Registry
	destinations [2]*registrytest.Registry
	directory    string
}

func newKilled(t *testing.T, source *registrytest.Registry) *killed {
	t.Helper()
	k := &killed{source: source, directory: t.TempDir()}
	text := fmt.Sprintf("source: {registry: %q, namespace: ci, label: false, tls-verify: false}\ndestinations:\n", source.Host())
	for i := range k.destinations {
		k.destinations[i] = registrytest.Start(t)
		text += fmt.Sprintf("  - {registry: %q, tls-verify: false}\n", k.destinations[i].Host())
		k.destinations[i].Push(t, "ci/base", "current", registrytest.RandomImage(50+i))
	}
	text += "images: {names: [base, nova]}\nhash: " + promotedHash + "\nlabel: current\nrollback-label: previous-{label}\n" +
		"platforms: {linux/amd64: _x86_64, linux/ppc64le: _ppc64le}\n"
	require.NoError(t, os.WriteFile(filepath.Join(k.directory, "promotion.yaml"), []byte(text), 0o600))
	return k
}

// promote runs the program, and kills it when a destination gets a request that
// ends it.
func (k *killed) promote(t *testing.T, ends func(r *http.Request) bool, flags ...string) (output string, err error) {
	t.Helper()
	arguments := append([]string{"promote", "promotion.yaml", "--insecure-policy", "--no-cache", "--journal", "journal", "--jobs", "3"}, flags...)
	command := exec.Command(filepath.Join(buildProgram(t), "csync"), arguments...)
	command.Dir, command.Env = k.directory, append(os.Environ(), "HOME="+k.directory)
	var text bytes.Buffer
	command.Stdout, command.Stderr = &text, &text
	require.NoError(t, command.Start())
	for _, d := range k.destinations { // long before it asks for anything
		d.Intercept(func(_ http.ResponseWriter, r *http.Request) bool {
			if ends(r) {
				_ = command.Process.Kill()
			}
			return false
		})
	}
	err = command.Wait()
	for _, d := range k.destinations {
		d.Intercept(nil)
	}
	return text.String(), err
}

func never(*http.Request) bool { return false }

// state is what every tag of the destinations names.
func (k *killed) state(t *testing.T) map[string]string {
	t.Helper()
	state := map[string]string{}
	for i, d := range k.destinations {
		for _, repository := range []string{"ci/base", "ci/nova"} {
			for _, tag := range d.Tags(t, repository) {
				state[fmt.Sprintf("%d/%s:%s", i, repository, tag)] = d.Digest(t, repository, tag).String()
			}
		}
	}
	return state
}

// requireTrue fails the test if a label names what is not all there.
func (k *killed) requireTrue(t *testing.T) {
	t.Helper()
	state := k.state(t)
	for i, d := range k.destinations {
		for _, repository := range []string{"ci/base", "ci/nova"} {
			name := fmt.Sprintf("%d/%s:", i, repository)
			if state[name+"current"] == "" || state[name+"current"] != k.source.Digest(t, repository, promotedHash).String() {
				continue // still what it was
			}
			for _, tag := range []string{"", "_x86_64", "_ppc64le", "_manifest"} {
				require.NotEmpty(t, state[name+promotedHash+tag])
			}
			for _, blob := range d.Image(t, repository, promotedHash).Blobs {
				require.True(t, d.HasBlob(t, repository, blob.Digest()))
			}
		}
	}
}

func releaseSource(t *testing.T) *registrytest.Registry {
	t.Helper()
	source := registrytest.Start(t)
	for i, repository := range []string{"ci/base", "ci/nova"} {
		x86 := registrytest.RandomImage(i, registrytest.WithPlatform("linux/amd64"))
		source.Push(t, repository, promotedHash, x86)
		source.Push(t, repository, promotedHash+"_x86_64", x86)
		source.Push(t, repository, promotedHash+"_ppc64le", registrytest.RandomImage(10+i, registrytest.WithPlatform("linux/ppc64le")))
	}
	return source
}

func TestAKilledPromotionIsGoneOnWithToTheSameEnd(t *testing.T) {
	t.Parallel()
	source := releaseSource(t)
	whole := newKilled(t, source)
	var requests atomic.Int64
	output, err := whole.promote(t, func(*http.Request) bool { return requests.Add(1) < 0 })
	require.NoError(t, err, output)
	want := whole.state(t)
	require.Equal(t, want["0/ci/base:"+promotedHash], want["0/ci/base:current"])

	random := rand.New(rand.NewPCG(8, 8))
	for range 20 {
		at := 1 + random.Int64N(requests.Load())
		t.Run(fmt.Sprint("at request ", at), func(t *testing.T) {
			t.Parallel()
			k := newKilled(t, source)
			var seen atomic.Int64
			_, _ = k.promote(t, func(*http.Request) bool { return seen.Add(1) >= at })
			k.requireTrue(t)

			output, err := k.promote(t, never, "--resume")

			require.NoError(t, err, output)
			require.Equal(t, want, k.state(t))
		})
	}
}

func TestAKilledPromotionCanBeUndone(t *testing.T) {
	t.Parallel()
	source := releaseSource(t)
	for label := range int64(4) { // at each of the labels that move
		t.Run(fmt.Sprint(label), func(t *testing.T) {
			t.Parallel()
			k := newKilled(t, source)
			before := k.state(t)
			var moves atomic.Int64
			_, _ = k.promote(t, func(r *http.Request) bool {
				return r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/current") && moves.Add(1) > label
			})
			require.FileExists(t, filepath.Join(k.directory, "journal"))

			output, err := k.promote(t, never, "--rollback")

			require.NoError(t, err, output)
			after := k.state(t)
			for _, tag := range []string{"0/ci/base:current", "1/ci/base:current", "0/ci/nova:current", "1/ci/nova:current", "0/ci/base:previous-current"} {
				require.Equal(t, before[tag], after[tag], tag)
			}
		})
	}
}
