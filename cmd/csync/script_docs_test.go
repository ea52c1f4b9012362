package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

var block = regexp.MustCompile("(?ms)^ *```(sh|yaml)\n(.*?)^ *```$")

// document PAGE [NAME=HOST...] does what a page of docs shows: images.yaml is
// the yaml on it, and every line of its sh is a command that succeeds. NAME is a
// registry of the page, and HOST the one to take for it.
func document(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) < 1, "document PAGE [NAME=HOST...]")
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", args[0]))
	ts.Check(err)
	text := string(page)
	for _, replacement := range args[1:] {
		name, host, _ := strings.Cut(replacement, "=")
		text = strings.ReplaceAll(text, name, host)
	}
	var commands []string
	for _, found := range block.FindAllStringSubmatch(text, -1) {
		if found[1] == "yaml" {
			ts.Check(os.WriteFile(ts.MkAbs("images.yaml"), []byte(found[2]), 0o644))
			continue
		}
		commands = append(commands, strings.Split(strings.TrimSpace(found[2]), "\n")...)
	}
	if len(commands) == 0 {
		ts.Fatalf("%s shows no commands", args[0])
	}
	for _, command := range commands {
		words := strings.Fields(command)
		ts.Logf("> %s", command)
		ts.Check(ts.Exec(words[0], words[1:]...))
	}
}
