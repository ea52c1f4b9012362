package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"csync/sync/registry/registrytest"
)

// realSkopeo is the program that csync is compared with.
func realSkopeo(t *testing.T) string {
	t.Helper()
	skopeo, err := exec.LookPath("skopeo")
	if err != nil {
		require.NotEqual(t, "true", os.Getenv("CI"), "skopeo is not installed, beside which csync is tested: run \"make setup\"")
		t.Skip("skopeo is not installed; \"make setup\" does that")
	}
	return skopeo
}

// TestBesideSkopeo runs command lines and source files that chance puts together,
// always the same, with skopeo and with csync, and compares the exit codes, what
// is at the destinations then, and the words that wrappers of skopeo match. Where
// csync means to differ, as docs/skopeo.md says, the case has a rule for it.
func TestBesideSkopeo(t *testing.T) {
	t.Parallel()
	skopeo := realSkopeo(t)
	s := newStage(t, skopeo)
	s.fill(t)
	for i, c := range chances(s) {
		t.Run(fmt.Sprintf("%02d", i), func(t *testing.T) {
			t.Parallel()
			s.compare(t, i, c)
		})
	}
}

// stage is what all cases share: the programs, a source of each kind, and a
// registry to write to.
type stage struct {
	programs            map[string]string
	source, destination *registrytest.Registry
	environment         []string
	directory           string                   // of images, for --src dir
	digests             map[string]digest.Digest // by repository:tag
}

// stock are the images of the source, by repository and tag.
func stock() map[string]registrytest.Image {
	docker := registrytest.WithDocker()
	list := registrytest.ManifestList(
		registrytest.RandomImage(21, docker, registrytest.WithPlatform("linux/amd64")),
		registrytest.RandomImage(22, docker, registrytest.WithPlatform("linux/arm64")))
	return map[string]registrytest.Image{
		"lib/redis:7.2":     registrytest.RandomImage(11, docker),
		"lib/redis:7.4":     registrytest.RandomImage(12),
		"lib/redis:1.10":    registrytest.RandomImage(13, docker),
		"lib/redis:rc":      registrytest.RandomImage(14),
		"lib/nginx:1":       registrytest.RandomImage(15, docker),
		"lib/nginx:1.28.0":  registrytest.MultiPlatform(23, "linux/amd64", "linux/arm64"),
		"lib/index:1":       list,
		"lib/index:latest":  registrytest.RandomImage(16, docker),
		"other/redis:7.2":   registrytest.RandomImage(17, docker),
		"other/redis:other": registrytest.RandomImage(18, docker),
	}
}

func newStage(t *testing.T, skopeo string) *stage {
	t.Helper()
	s := &stage{
		programs: map[string]string{"skopeo": skopeo, "csync": filepath.Join(buildProgram(t), "csync")},
		source:   registrytest.Distribution(t), destination: registrytest.Start(t, registrytest.Catalog()),
		digests: map[string]digest.Digest{},
	}
	home := t.TempDir()
	containers := filepath.Join(home, ".config", "containers")
	require.NoError(t, os.MkdirAll(containers, 0o755))
	require.NoError(t, os.Mkdir(filepath.Join(home, "run"), 0o700))
	insecure := fmt.Sprintf("[[registry]]\nlocation = %q\ninsecure = true\n[[registry]]\nlocation = %q\ninsecure = true\n", s.source.Host(), s.destination.Host())
	require.NoError(t, os.WriteFile(filepath.Join(containers, "registries.conf"), []byte(insecure), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(containers, "policy.json"), []byte(acceptAnything), 0o600))
	s.environment = []string{
		"HOME=" + home, "XDG_CONFIG_HOME=" + filepath.Join(home, ".config"), "XDG_RUNTIME_DIR=" + filepath.Join(home, "run"),
		"XDG_DATA_HOME=" + filepath.Join(home, "data"), "PATH=" + os.Getenv("PATH"), "NO_PROXY=*",
	}
	return s
}

// fill pushes the stock, and makes a directory of images.
func (s *stage) fill(t *testing.T) {
	t.Helper()
	for name, image := range stock() {
		repository, tag, _ := strings.Cut(name, ":")
		s.digests[name] = s.source.Push(t, repository, tag, image)
	}
	directory := t.TempDir()
	s.directory = filepath.Join(directory, "images")
	for path, reference := range map[string]string{"redis:7.2": "lib/redis:7.2", "sub/index:1": "lib/index:1", "untagged": "lib/nginx:1"} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(s.directory, path)), 0o755))
		end := s.run(t, "skopeo", directory, "copy", "--all", "docker://"+s.source.Host()+"/"+reference, "dir:"+filepath.Join(s.directory, path))
		require.Zero(t, end.code, end.errors)
	}
}

// end is how a program ended.
type end struct {
	code   int
	errors string            // the standard error, without the quoting of logs
	there  map[string]string // what is at the destination: references or files, and their digests
}

// final is the last thing that the program said.
func (e end) final() string {
	lines := strings.Split(strings.TrimSpace(e.errors), "\n")
	return lines[len(lines)-1]
}

func (s *stage) run(t *testing.T, program, directory string, args ...string) end {
	t.Helper()
	command := exec.CommandContext(t.Context(), s.programs[program], args...)
	var stderr bytes.Buffer
	command.Dir, command.Env, command.Stderr = directory, s.environment, &stderr
	err := command.Run()
	var exit *exec.ExitError
	if err != nil {
		require.True(t, errors.As(err, &exit), "%v", err)
	}
	return end{code: command.ProcessState.ExitCode(), errors: strings.ReplaceAll(stderr.String(), `\"`, `"`)}
}

// outcome is what a case comes to with a program, in the second of two runs if
// it has two.
func (s *stage) outcome(t *testing.T, i int, c chance, program string) end {
	t.Helper()
	directory, root := t.TempDir(), fmt.Sprintf("case-%d-%s", i, program)
	require.NoError(t, os.WriteFile(filepath.Join(directory, "images.yaml"), []byte(c.file), 0o600))
	destination := "out"
	if c.destination == "docker" {
		destination = s.destination.Host() + "/" + root
	}
	args := slices.Concat(c.global, []string{"sync"}, c.flags, []string{"--dest", c.destination}, c.source, []string{destination})
	result := s.run(t, program, directory, args...)
	if c.twice {
		result = s.run(t, program, directory, args...)
	}
	if c.destination == "docker" {
		result.there = s.references(t, root)
	} else {
		result.there = imagesBelow(t, filepath.Join(directory, destination))
	}
	return result
}

// references are the tags below a path of the destination registry, and the
// digests of the stock that were pushed there by digest.
func (s *stage) references(t *testing.T, root string) map[string]string {
	t.Helper()
	answer, err := http.Get(s.destination.URL() + "/v2/_catalog?n=10000") //nolint:noctx // in this process
	require.NoError(t, err)
	defer answer.Body.Close()
	var catalog struct{ Repositories []string }
	require.NoError(t, json.NewDecoder(answer.Body).Decode(&catalog))
	there := map[string]string{}
	for _, repository := range catalog.Repositories {
		name, below := strings.CutPrefix(repository, root+"/")
		if !below {
			continue
		}
		for _, tag := range s.destination.Tags(t, repository) {
			there[name+":"+tag] = s.destination.Digest(t, repository, tag).String()
		}
		for _, d := range s.digests {
			if s.destination.HasTag(t, repository, d.String()) {
				there[name+"@"+d.String()] = d.String()
			}
		}
	}
	return there
}

// imagesBelow are the files of all images below a directory. What a failed copy
// has left of one is none.
func imagesBelow(t *testing.T, root string) map[string]string {
	t.Helper()
	there := map[string]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) || err == nil && entry.IsDir() {
			return nil
		}
		if _, unfinished := os.Stat(filepath.Join(filepath.Dir(path), "manifest.json")); err != nil || unfinished != nil {
			return err
		}
		content, err := os.ReadFile(path)
		there[strings.TrimPrefix(path, root)] = digest.FromBytes(content).String()
		return err
	})
	require.NoError(t, err)
	return there
}

// words are what wrappers of skopeo match in its final error.
var words = []string{
	"Exactly two arguments expected", "transport must be specified", "is not a valid source transport", "is not a valid destination transport",
	"sync from 'dir' to 'dir' not implemented", "unknown format", "Choose one of the supported formats", "No images to sync found in",
	"Refusing to overwrite destination directory", "Error determining repository tags for repo", "repository name not known to registry",
	"manifest unknown", "reading manifest", "Failed to unmarshal", "Instructed to preserve digests", "no such file or directory",
	"Sync failed due to previous reported error(s) for one or more images", "Error copying ref", "Error parsing docker reference",
}

func (s *stage) compare(t *testing.T, i int, c chance) {
	t.Helper()
	skopeo, csync := s.outcome(t, i, c, "skopeo"), s.outcome(t, i, c, "csync")
	what := fmt.Sprintf("%s\n%s\n-- skopeo: %d\n%s\n-- csync: %d\n%s", c, c.file, skopeo.code, skopeo.errors, csync.code, csync.errors)
	e := c.expect(skopeo, csync)
	require.Equal(t, e.code, csync.code, what)
	if e.there != nil {
		require.Equal(t, e.there, csync.there, what)
	}
	for _, word := range words {
		if e.words && strings.Contains(skopeo.final(), word) {
			require.Contains(t, csync.errors, word, what)
		}
	}
}
