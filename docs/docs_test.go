// Package docs holds the tests of the documentation: every example in it runs.
//
// In a page, a yaml block is a whole source or promotion file, and has a name if its first
// line is one, "# images.yaml"; or a file of registries.d; or a list of tasks, which Ansible's tests check. The commands of a console block are run from
// the top of the page to its end, and print what stands below them. The
// command lines of an sh block are only checked for flags that exist. A json
// block is a report, a result of one, or a policy.
package docs

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/docker"
	"go.podman.io/image/v5/signature"
	"go.podman.io/image/v5/types"

	"csync/sync/report"
)

var update = flag.Bool("update", false, "write what commands print into the console blocks")

func TestEveryExampleRuns(t *testing.T) {
	t.Parallel()
	for _, p := range pages(t) {
		t.Run(filepath.Base(p.path), func(t *testing.T) {
			t.Parallel()
			s := newSandbox(t)
			changed := map[int][]string{}
			for i, b := range p.blocks {
				switch lines := p.text(b); b.language {
				case "yaml":
					s.yaml(lines)
				case "console":
					changed[i] = s.console(lines)
				case "sh":
					s.flags(lines)
				case "json":
					checkJSON(t, lines)
				default:
					require.Equal(t, "text", b.language, "%s:%d: a block of no known language", p.path, b.start)
				}
			}
			if *update {
				p.update(t, changed)
			}
		})
	}
}

// yaml checks a file by what its first line calls it: of registries.d, or a
// source or promotion file. A list is tasks of Ansible, which it leaves alone.
func (s *sandbox) yaml(lines []string) {
	s.t.Helper()
	if strings.HasPrefix(lines[0], "- ") {
		return
	}
	if !strings.HasPrefix(lines[0], "# /etc/containers/registries.d/") {
		s.sourceFile(lines)
		return
	}
	directory := s.t.TempDir()
	write(s.t, filepath.Join(directory, "here.yaml"), strings.Join(lines, "\n"))
	ref, err := docker.ParseReference("//registry.example.com/release/app")
	require.NoError(s.t, err)
	at, err := docker.SignatureStorageBaseURL(&types.SystemContext{RegistriesDirPath: directory}, ref, false)
	require.NoError(s.t, err)
	require.Equal(s.t, "https", at.Scheme, at)
}

// sourceFile lints a source or promotion file, and keeps it if it has a name.
func (s *sandbox) sourceFile(lines []string) {
	s.t.Helper()
	name, named := strings.CutPrefix(lines[0], "# ")
	if !named || !strings.HasSuffix(name, ".yaml") {
		name = "unnamed.yaml"
	}
	path := filepath.Join(s.directory, name)
	require.NoError(s.t, os.MkdirAll(filepath.Dir(path), 0o700))
	write(s.t, path, s.real.Replace(strings.Join(lines, "\n")+"\n"))
	if strings.Contains(name, "/") { // a part of a tree, which the page lints as a whole
		return
	}
	printed := s.run("csync lint " + name)
	require.Zero(s.t, s.code, strings.Join(printed, "\n"))
}

// console runs the commands of a block and returns it with what they print. A
// command may fail only if the next one shows its exit code.
func (s *sandbox) console(lines []string) []string {
	s.t.Helper()
	var now []string
	all := commands(lines)
	for i, c := range all {
		printed := s.run(c.line())
		if s.code != 0 && (i+1 == len(all) || all[i+1].line() != "echo $?") {
			require.Zero(s.t, s.code, "$ %s\n%s", c.line(), strings.Join(printed, "\n"))
		}
		now = append(now, c.typed...)
		if matches(c.prints, printed) {
			printed = c.prints
		} else if !*update {
			require.Equal(s.t, c.prints, printed, c.line())
		}
		now = append(now, printed...)
	}
	return now
}

// flags has csync read the flags of every line, and then only show its help.
func (s *sandbox) flags(lines []string) {
	s.t.Helper()
	for _, line := range lines {
		if strings.HasPrefix(line, "csync ") {
			printed := s.run(strings.TrimSuffix(line, " &") + " --help")
			require.Zero(s.t, s.code, "%s\n%s", line, strings.Join(printed, "\n"))
		}
	}
}

func checkJSON(t *testing.T, lines []string) {
	t.Helper()
	text := strings.Join(lines, "\n")
	var into any = &report.Result{}
	if strings.Contains(text, `"default"`) { // a policy.json
		_, err := signature.NewPolicyFromBytes([]byte(text))
		require.NoError(t, err, text)
		return
	}
	if strings.Contains(text, `"schema"`) {
		into = &report.Report{}
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	require.NoError(t, decoder.Decode(into), text)
}

// update writes the page with its console blocks as they are now.
func (p *page) update(t *testing.T, changed map[int][]string) {
	t.Helper()
	for i := len(p.blocks) - 1; i >= 0; i-- {
		if lines, ok := changed[i]; ok {
			p.replace(p.blocks[i], lines)
		}
	}
	require.NoError(t, os.WriteFile(p.path, []byte(strings.Join(p.lines, "\n")), 0o644)) // as git has it
}

func TestTheReadmeShowsTheExampleOfTheDemo(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("examples/images.yaml")
	require.NoError(t, err)
	example, file, _ := strings.Cut(string(content), "\n")

	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)

	require.Contains(t, string(readme), "```yaml\n# images.yaml\n"+file+"```\n")
	require.Contains(t, string(readme), "\n$ "+strings.TrimPrefix(example, "# ")+"\n")
}

func TestThePromotionFilesPageShowsTheExample(t *testing.T) {
	t.Parallel()
	example, err := os.ReadFile("examples/promotion.yaml")
	require.NoError(t, err)
	page, err := os.ReadFile("promotion-file.md")
	require.NoError(t, err)
	require.Contains(t, string(page), "```yaml\n"+string(example)+"```\n")
}

// Q8: what copy-quay's README said of its flags was not so.
func TestDefectQ8TheCommandReferenceNamesEveryFlag(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("commands.md")
	require.NoError(t, err)
	s := newSandbox(t)
	flag := regexp.MustCompile(`^ +(?:-., )?(--[a-z.-]+)`)
	var missing []string
	for _, verb := range verbs {
		require.Contains(t, string(content), "\n## "+verb+"\n")
		for _, line := range s.run("csync " + verb + " --help-all") {
			name := flag.FindStringSubmatch(line)
			if name != nil && !regexp.MustCompile(regexp.QuoteMeta(name[1])+`[^a-z-]`).Match(content) {
				missing = append(missing, verb+" "+name[1])
			}
		}
	}
	require.Empty(t, missing)
}

var verbs = []string{
	"sync", "plan", "verify", "promote", "retag", "assemble", "merge", "prune", "copy",
	"lint", "inspect", "list-tags", "list-repos", "snapshot", "login", "logout", "schema",
}

func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	links := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	for _, p := range pages(t) {
		for _, link := range links.FindAllStringSubmatch(strings.Join(p.lines, "\n"), -1) {
			require.FileExists(t, filepath.Join(filepath.Dir(p.path), link[1]), p.path)
		}
	}
}
