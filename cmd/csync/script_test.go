package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs the program as users do. The scripts below skopeo are
// skopeo's own tests of sync, under their names there.
func TestScripts(t *testing.T) {
	t.Parallel()
	program := buildProgram(t)
	for name, dir := range map[string]string{"csync": "testdata/script", "skopeo": "testdata/skopeo"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runScripts(t, dir, program)
		})
	}
}

func runScripts(t *testing.T, dir, program string) {
	t.Helper()
	testscript.Run(t, testscript.Params{
		Dir: dir, RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", program+string(filepath.ListSeparator)+env.Getenv("PATH"))
			return setUpScript(env)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":     exits,
			"hang":      hang,
			"interrupt": interrupt,
			"code":      code,

			"registry":  startRegistry,
			"close":     closeRegistry,
			"alias":     alias,
			"push":      push,
			"retag":     retag,
			"lose":      lose,
			"digest":    setDigest,
			"answer":    answer,
			"tags":      tags,
			"same":      same,
			"untouched": untouched,
			"requests":  requests,

			"json":      isJSON,
			"golden":    golden,
			"envsubst":  envsubst,
			"holds":     holds,
			"helps":     helps,
			"document":  document,
			"flagsof":   flagsOf,
			"sametrees": sameTrees,
		},
	})
}

// world is what a script has besides its files.
type world struct {
	testing.TB
	registries map[string]*scriptRegistry
	background *exec.Cmd
}

type worldKey struct{}

func worldOf(ts *testscript.TestScript) *world { return ts.Value(worldKey{}).(*world) }

const acceptAnything = `{"default": [{"type": "insecureAcceptAnything"}]}`

// setUpScript gives the script a home of its own, where containers' tools find
// a policy and, once there is a registry, its registries.conf.
func setUpScript(env *testscript.Env) error {
	home := filepath.Join(env.WorkDir, "home")
	containers := filepath.Join(home, ".config", "containers")
	env.Setenv("HOME", home)
	env.Setenv("XDG_CONFIG_HOME", filepath.Join(home, ".config"))
	env.Setenv("XDG_RUNTIME_DIR", filepath.Join(env.WorkDir, "run"))
	env.Setenv("NO_PROXY", "*")
	env.Setenv("REGISTRIES", filepath.Join(containers, "registries.conf"))
	env.Values[worldKey{}] = &world{TB: env.T().(testing.TB), registries: map[string]*scriptRegistry{}}
	return errors.Join(
		os.MkdirAll(filepath.Join(env.WorkDir, "run"), 0o700),
		os.MkdirAll(containers, 0o755),
		os.WriteFile(filepath.Join(containers, "policy.json"), []byte(acceptAnything), 0o644),
	)
}

// exits CODE COMMAND ARGUMENT... runs a command that has to exit with CODE.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) < 2, "exits CODE COMMAND ARGUMENT...")
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("running %s: %v", args[1], err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("%s exited with %d, not %d", args[1], got, want)
	}
}

// interrupt REGISTRY [SIGNAL] sends a signal, SIGINT unless it is HUP or TERM, to
// the last command in the background, as soon as a request hangs at the registry.
func interrupt(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) == 0, "interrupt REGISTRY [SIGNAL]")
	signals := map[string]os.Signal{"": os.Interrupt, "HUP": syscall.SIGHUP, "TERM": syscall.SIGTERM}
	signal := signals[strings.Join(args[1:], " ")]
	usage(ts, signal == nil, "interrupt REGISTRY [HUP|TERM]")
	w, commands := worldOf(ts), ts.BackgroundCmds()
	w.background = commands[len(commands)-1]
	select {
	case <-registryOf(ts, args[0]).hanging:
	case <-time.After(time.Minute):
		ts.Fatalf("nothing hangs at %s", args[0])
	}
	ts.Check(w.background.Process.Signal(signal))
}

// code CODE says with what the command of interrupt, once it was waited for, has
// exited.
func code(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 1, "code CODE")
	if got := strconv.Itoa(worldOf(ts).background.ProcessState.ExitCode()); got != args[0] {
		ts.Fatalf("the command exited with %s, not %s", got, args[0])
	}
}

func usage(ts *testscript.TestScript, wrong bool, text string) {
	if wrong {
		ts.Fatalf("usage: %s", text)
	}
}
