package docs

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	"csync/sync/registry/registrytest"
)

// programs is the directory with csync.
var programs string

func TestMain(m *testing.M) {
	os.Exit(withCsync(m))
}

func withCsync(m *testing.M) int {
	var err error
	if programs, err = os.MkdirTemp("", "csync-docs-"); err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(programs) }() // it is below the system's own
	build := exec.Command("go", "build", "-tags", "containers_image_openpgp,exclude_graphdriver_btrfs",
		"-o", filepath.Join(programs, "csync"), "csync/cmd/csync")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if message, err := build.CombinedOutput(); err != nil {
		panic(fmt.Sprintf("building csync: %v\n%s", err, message))
	}
	return m.Run()
}

// sandbox is the machine on which the examples of a page run: three registries,
// a home directory, and the files that the page shows.
type sandbox struct {
	t         *testing.T
	directory string
	env       []string
	real      *strings.Replacer // the hosts of the docs by those that there are
	shown     *strings.Replacer // and back
	code      int               // with which the last command has ended
}

func newSandbox(t *testing.T) *sandbox {
	t.Helper()
	home := t.TempDir()
	s := &sandbox{t: t, directory: filepath.Join(home, "work"), env: []string{
		"PATH=" + programs + ":" + os.Getenv("PATH"), "HOME=" + home, "XDG_CONFIG_HOME=" + home + "/config",
		"XDG_RUNTIME_DIR=" + home + "/run", "USER_OF_QUAY=ci", "REGISTRY_PASSWORD=swordfish",
	}}
	containers := filepath.Join(home, "config", "containers")
	for _, directory := range []string{s.directory, filepath.Join(home, "run"), filepath.Join(containers, "certs.d")} {
		require.NoError(t, os.MkdirAll(directory, 0o700))
	}
	write(t, filepath.Join(containers, "policy.json"), `{"default": [{"type": "insecureAcceptAnything"}]}`)
	write(t, filepath.Join(s.directory, "password"), "swordfish\n")
	write(t, filepath.Join(s.directory, "quay.token"), "swordfish\n")
	var forth, back []string
	for name, registry := range registries(t) {
		require.NoError(t, os.Symlink(registry.CertDir, filepath.Join(containers, "certs.d", registry.Host())))
		forth = append(forth, name, registry.Host())
		back = append(back, registry.Host(), name)
	}
	s.real, s.shown = strings.NewReplacer(forth...), strings.NewReplacer(append(back, home, "~")...)
	return s
}

func write(t *testing.T, path, content string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
}

// registries are those that the docs speak of. Their content never changes, so
// that its digests can stand in the docs.
func registries(t *testing.T) map[string]*registrytest.Registry {
	t.Helper()
	source := registrytest.Start(t, registrytest.TLS(), registrytest.Catalog())
	for i, tag := range []string{"1.0.0", "1.1.0", "1.2.0", "2.0.0-rc1"} {
		source.Push(t, "team/app", tag, registrytest.MultiPlatform(i+1, "linux/amd64", "linux/arm64", "linux/ppc64le"))
	}
	source.Retag(t, "team/app", "1.2.0", "latest")
	source.Push(t, "team/db", "7.2", registrytest.RandomImage(72, registrytest.WithDocker()))
	source.Push(t, "team/db", "7.4", registrytest.RandomImage(74, registrytest.WithDocker()))
	for _, version := range []string{"1.0", "1.1"} {
		source.Push(t, "team/csync", version, registrytest.Index(release(version)...))
		source.Push(t, "team/csync-docker", version, registrytest.ManifestList(release(version, registrytest.WithDocker())...))
	}
	source.Retag(t, "team/csync", "1.1", "latest")
	for i, platform := range []string{"linux/amd64", "linux/ppc64le"} {
		source.Push(t, "team/tools", "1.0"+[]string{"_x86_64", "_ppc64le"}[i], registrytest.RandomImage(90+i, registrytest.WithDocker(), registrytest.WithPlatform(platform)))
	}
	signature, signed := registrytest.CosignSignature(registrytest.RandomImage(72, registrytest.WithDocker()))
	source.Push(t, "team/db", signature, signed)
	private := registrytest.Start(t, registrytest.TLS(), registrytest.Token("ci", "swordfish"))
	private.Push(t, "team/private", "1.0", registrytest.RandomImage(1))
	return map[string]*registrytest.Registry{
		"registry.example.com": source,
		"mirror.example.net":   registrytest.Start(t, registrytest.TLS(), registrytest.Catalog()),
		"quay.example.org":     private,
		"trunk.example.org":    trunk(t),
		"dlrn.example.org":     dlrn(t),
	}
}

// release is a version for three platforms, with the same layers as all others.
func release(version string, options ...registrytest.ImageOption) []registrytest.Image {
	label := func(config *ocispec.Image) { config.Config.Labels["version"] = version }
	var instances []registrytest.Image
	for i, platform := range []string{"linux/amd64", "linux/arm64", "linux/ppc64le"} {
		instances = append(instances, registrytest.RandomImage(i, append(options, registrytest.WithPlatform(platform),
			registrytest.WithLayers(registrytest.RandomLayer(i, 100_000)), registrytest.WithConfig(label))...))
	}
	return instances
}

// run runs a command line and gives what it prints.
func (s *sandbox) run(line string) []string {
	s.t.Helper()
	shell := exec.CommandContext(s.t.Context(), "sh", "-c", fmt.Sprintf("(exit %d); %s", s.code, s.real.Replace(line)))
	shell.Dir, shell.Env = s.directory, s.env
	output, err := shell.CombinedOutput()
	if failed := new(exec.ExitError); err != nil && !errors.As(err, &failed) {
		require.NoError(s.t, err)
	}
	s.code = shell.ProcessState.ExitCode()
	text := strings.TrimSuffix(s.shown.Replace(string(output)), "\n")
	if text == "" {
		return nil
	}
	return align(strings.Split(text, "\n"))
}

// align widens the columns of a report's table for the hosts that it now names,
// and sorts its rows by them.
func align(lines []string) []string {
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for len(lines) > 0 {
		rows := rowsOf(lines)
		for _, row := range rows {
			fmt.Fprintln(table, columns.ReplaceAllString(row, "\t"))
		}
		if lines = lines[len(rows):]; len(lines) > 0 {
			fmt.Fprintln(table, lines[0])
			lines = lines[1:]
		}
	}
	_ = table.Flush() // a builder takes everything
	return strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n")
}

// rowsOf are those of the table that lines begin with, if they do.
func rowsOf(lines []string) []string {
	if !strings.HasPrefix(lines[0], "ACTION ") {
		return nil
	}
	end := slices.Index(append(lines, ""), "")
	destination := func(row string) string { return strings.Fields(row)[2] }
	slices.SortStableFunc(lines[1:end], func(a, b string) int { return cmp.Compare(destination(a), destination(b)) })
	return lines[:end]
}

var (
	times  = regexp.MustCompile(`\b(\d+m)?\d+(\.\d+)?m?s\b|"duration_ms": \d+`)
	blanks = regexp.MustCompile(` +`)

	columns = regexp.MustCompile(`  +`)
)

// plain is a line without what differs from run to run: times, and how wide the
// columns are.
func plain(line string) string {
	return strings.TrimRight(blanks.ReplaceAllString(times.ReplaceAllString(line, "TIME"), " "), " ")
}

// matches compares what docs show with what there is; a line with … alone
// stands for any lines.
func matches(shown, printed []string) bool {
	switch {
	case len(shown) == 0:
		return len(printed) == 0
	case strings.TrimSpace(shown[0]) == "…":
		for skip := range len(printed) + 1 {
			if matches(shown[1:], printed[skip:]) {
				return true
			}
		}
		return false
	}
	return len(printed) > 0 && plain(shown[0]) == plain(printed[0]) && matches(shown[1:], printed[1:])
}
