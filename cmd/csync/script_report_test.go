package main

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"
)

// isJSON is: json FILE, or json stdout: one JSON document and nothing else.
func isJSON(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 1, "json FILE")
	decoder := json.NewDecoder(strings.NewReader(ts.ReadFile(args[0])))
	var document any
	ts.Check(decoder.Decode(&document))
	if decoder.More() {
		ts.Fatalf("%s has more than a JSON document", args[0])
	}
}

// golden FILE NAME compares a report with testdata/report/NAME.json, times and
// counts of requests apart. Registries are called as the script calls them.
func golden(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 2, "golden FILE NAME")
	isJSON(ts, neg, args[:1])
	got := blank(ts, ts.ReadFile(args[0]))
	path := filepath.Join("testdata", "report", args[1]+".json")
	if *update {
		ts.Check(os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	ts.Check(err)
	require.Equal(worldOf(ts), string(want), got)
}

var (
	times     = regexp.MustCompile(`("(?:started|finished)": )"[^"]*"`)
	durations = regexp.MustCompile(`("duration_ms": )\d+`)
	counts    = regexp.MustCompile(`("requests": )\{[^}]*\}`)
)

func blank(ts *testscript.TestScript, text string) string {
	registries := worldOf(ts).registries
	for _, name := range slices.Sorted(maps.Keys(registries)) {
		text = strings.ReplaceAll(text, registries[name].Host(), strings.ToLower(name)+".test")
	}
	text = strings.ReplaceAll(text, ts.Getenv("WORK"), "/work")
	text = times.ReplaceAllString(text, `$1"2026-01-02T03:04:05Z"`)
	text = durations.ReplaceAllString(text, "${1}1")
	return counts.ReplaceAllString(text, "$1{}")
}

// holds DIRECTORY N says how many images are in the directories below, as many
// "find -name manifest.json" finds.
func holds(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 2, "holds DIRECTORY N")
	found := 0
	for name := range tree(ts, args[0]) {
		if filepath.Base(name) == "manifest.json" {
			found++
		}
	}
	if strconv.Itoa(found) != args[1] {
		ts.Fatalf("%s has %d images, not %s", args[0], found, args[1])
	}
}

// sameTrees is: sametrees A B, and means what diff -urN means by it.
func sameTrees(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 2, "sametrees DIRECTORY DIRECTORY")
	first, second := tree(ts, args[0]), tree(ts, args[1])
	if len(first) == 0 {
		ts.Fatalf("%s is empty", args[0])
	}
	names := slices.Sorted(maps.Keys(first))
	require.Equal(worldOf(ts), names, slices.Sorted(maps.Keys(second)))
	for _, name := range names {
		if !bytes.Equal(first[name], second[name]) {
			ts.Fatalf("%s differs between %s and %s", name, args[0], args[1])
		}
	}
}

// tree is the files below a directory.
func tree(ts *testscript.TestScript, directory string) map[string][]byte {
	top, files := ts.MkAbs(directory), map[string][]byte{}
	ts.Check(filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		relative, err := filepath.Rel(top, path)
		if err != nil {
			return err
		}
		files[relative], err = os.ReadFile(path)
		return err
	}))
	return files
}

// helps COMMAND... --help is at most 40 lines, the last of them an example, in
// which there is no more than the command takes.
func helps(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) < 1, "helps COMMAND [VERB]")
	ts.Check(ts.Exec(args[0], append(args[1:], "--help")...))
	lines := strings.Split(strings.TrimRight(ts.ReadFile("stdout"), "\n"), "\n")
	if len(lines) > 40 {
		ts.Fatalf("the help has %d lines", len(lines))
	}
	if last := lines[len(lines)-2:]; last[0] != "Example:" || !strings.Contains(last[1], "csync ") {
		ts.Fatalf("the help ends with %q", last)
	}
}

// flagsof HELP FLAGS says that a help has every flag of a list, or that the flag
// is hidden but known.
func flagsOf(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 2, "flagsof HELP FLAGS")
	help, known := ts.ReadFile(args[0]), newSync().Flags()
	for _, flag := range strings.Fields(ts.ReadFile(args[1])) {
		given := known.Lookup(strings.TrimPrefix(flag, "--"))
		hidden := given != nil && given.Hidden
		if !hidden && !regexp.MustCompile(`(?m)^ +(-\w, )?`+regexp.QuoteMeta(flag)+`\b`).MatchString(help) {
			ts.Fatalf("there is no flag %s", flag)
		}
	}
}
