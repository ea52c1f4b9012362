package gpg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"csync/sync/fault"
)

const (
	// atOnce is how many gpg run at the same time: gpg-agent does the work, in a
	// few KiB of locked memory that many signatures at once exhaust.
	atOnce = 4
	// grace is how long gpg may take to clean up its locks when it is to end.
	grace = 2 * time.Second
	// passphraseDescriptor is where gpg finds the first of exec.Cmd's ExtraFiles.
	passphraseDescriptor = "3"
)

// program is the gpg of this machine.
type program struct {
	path  string
	turns chan struct{}
}

// call is one run of gpg.
type call struct {
	arguments  []string
	input      []byte
	passphrase string
}

func findProgram() (*program, error) {
	path, err := exec.LookPath("gpg")
	if err != nil {
		return nil, fault.WithRemedy(fault.Input, fmt.Errorf("signing with a GPG key needs the program gpg: %w", err),
			"install GnuPG (gpg and gpg-agent), or sign with a sigstore key")
	}
	return &program{path: path, turns: make(chan struct{}, atOnce)}, nil
}

// run runs gpg once and returns what it wrote to its standard output.
func (p *program) run(ctx context.Context, c call) ([]byte, error) {
	select {
	case p.turns <- struct{}{}:
		defer func() { <-p.turns }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	arguments := []string{"--batch", "--no-tty", "--quiet"}
	cmd := exec.CommandContext(ctx, p.path)
	if c.passphrase != "" {
		secret, err := pipe(c.passphrase)
		if err != nil {
			return nil, err
		}
		defer secret.Close()
		cmd.ExtraFiles = []*os.File{secret}
		arguments = append(arguments, "--pinentry-mode", "loopback", "--passphrase-fd", passphraseDescriptor)
	}
	var stdout bytes.Buffer
	var stderr head
	cmd.Args = append(append(cmd.Args, arguments...), c.arguments...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = environment(), bytes.NewReader(c.input), &stdout, &stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = grace
	err := cmd.Run()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", message(stderr.String(), c.passphrase), err)
	}
	return stdout.Bytes(), nil
}

// pipe is the reading end of a pipe that holds the passphrase, and nothing
// after it. The writing end never blocks: a pipe holds 4 KiB at least.
func pipe(passphrase string) (*os.File, error) {
	reading, writing, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("making a pipe for the passphrase: %w", err)
	}
	_, err = writing.WriteString(passphrase + "\n")
	if err = errors.Join(err, writing.Close()); err != nil {
		return nil, errors.Join(fmt.Errorf("writing the passphrase into its pipe: %w", err), reading.Close())
	}
	return reading, nil
}
