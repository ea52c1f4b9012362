package spec

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"csync/sync/fault"
)

// loadAt reads what was at path at a commit. A mistake that an entry had then
// does not matter now: it is as if the entry had not been there.
func loadAt(ctx context.Context, path, ref string) ([]Source, error) {
	h, err := openHistory(ctx, path, ref)
	if err != nil {
		return nil, err
	}
	copied, err := os.MkdirTemp("", "csync-since-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(copied) }() // it is below the system's own
	there, err := h.copyTo(ctx, copied)
	if err != nil || !there {
		return nil, err
	}
	file, err := LoadPath(filepath.Join(copied, h.name), Lenient)
	if err != nil {
		return nil, errors.New(strings.ReplaceAll(err.Error(), copied+string(filepath.Separator), ""))
	}
	return file.Sources, nil
}

// history is a file or a directory as it was at a commit.
type history struct {
	directory string // in which name is
	name      string // "" for the directory itself
	commit    string
}

func openHistory(ctx context.Context, path, ref string) (*history, error) {
	if ref == "" || strings.HasPrefix(ref, "-") {
		return nil, fmt.Errorf("%q is no commit", ref)
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, err
	}
	h := &history{directory: real}
	if stat, err := os.Stat(real); err != nil {
		return nil, err
	} else if !stat.IsDir() {
		h.directory, h.name = filepath.Split(real)
	}
	commit, err := h.git(ctx, "rev-parse", "--verify", "--quiet", ref+"^{commit}")
	if err != nil {
		return nil, fault.WithRemedy(fault.Input, fmt.Errorf("%q is no commit that git knows: %w", ref, err), "git fetch gets those that a shallow clone lacks")
	}
	h.commit = strings.TrimSpace(string(commit))
	return h, nil
}

// copyTo writes the files as they were below a directory. It reports whether
// there were any.
func (h *history) copyTo(ctx context.Context, directory string) (there bool, err error) {
	wanted := []string{"manifests", "images"}
	if h.name != "" {
		wanted = []string{h.name}
	}
	list, err := h.git(ctx, append([]string{"ls-tree", "-r", "-z", "--name-only", h.commit, "--"}, wanted...)...)
	if err != nil {
		return false, err
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(list), "\x00"), "\x00") {
		base := filepath.Base(name)
		if !filepath.IsLocal(name) || h.name == "" && base != manifestFile && base != imagesFile {
			continue
		}
		content, err := h.git(ctx, "cat-file", "blob", h.commit+":./"+name)
		if err != nil {
			return false, err
		}
		path := filepath.Join(directory, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, content, 0o600)); err != nil {
			return false, err
		}
		there = true
	}
	return there, nil
}

// git runs git in the directory, without a shell, and gives what it prints. What
// it says of a failure is the error.
func (h *history) git(ctx context.Context, arguments ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, "git", arguments...)
	command.Dir = cmp.Or(h.directory, ".")
	var said bytes.Buffer
	command.Stderr = &said
	output, err := command.Output()
	switch words := strings.TrimSpace(said.String()); {
	case errors.Is(err, exec.ErrNotFound):
		return nil, errors.New("there is no git, which knows what was before")
	case err != nil && words != "":
		return nil, errors.New(words)
	}
	return output, err
}
