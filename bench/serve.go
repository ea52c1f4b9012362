package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"csync/bench/front"
)

// addresses is what a registry's process says first, as JSON, on its standard
// output.
type addresses struct {
	Far  string `json:"far"`  // behind the front: what tools are given
	Near string `json:"near"` // without it: for filling, counts and a fresh start
}

// serve is the process of one registry. It ends with its standard input, so
// that it never outlives the benchmark.
func serve(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("bench registry", flag.ContinueOnError)
	roundTrip := flags.Duration("rtt", 0, "`round trip` of requests")
	rate := flags.Int64("rate", 0, "`bytes` a second that leave at most")
	inFlight := flags.Int("in-flight", 0, "`requests` under way at most")
	tokens := flags.Bool("tokens", false, "require bearer tokens")
	bulk := flags.Bool("bulk", false, "list digests with tags")
	certificate := flags.String("certificate", "", "`file` with certificate and key, for TLS")
	server := flags.String("server", "", "`program` to serve, instead of olareg")
	directory := flags.String("files", "", "`directory` to serve, instead of a registry")
	if err := flags.Parse(args); err != nil {
		return err
	}
	content, err := newContent(ctx, *server, *directory)
	if err != nil {
		return err
	}
	defer content.close()
	f := front.New(content, front.Options{
		RoundTrip: *roundTrip, TLS: *certificate != "", Tokens: *tokens, Bulk: *bulk, Rate: *rate, InFlight: *inFlight,
	})
	near, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	far, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	failed := make(chan error, 2)
	go func() { failed <- http.Serve(near, control(ctx, f, content)) }()
	go func() {
		s := &http.Server{Handler: f}
		if *certificate == "" {
			failed <- s.Serve(f.Listener(far))
			return
		}
		failed <- s.ServeTLS(f.Listener(far), *certificate, *certificate)
	}()
	if err := json.NewEncoder(os.Stdout).Encode(addresses{far.Addr().String(), near.Addr().String()}); err != nil {
		return fmt.Errorf("telling the addresses: %w", err)
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		failed <- nil // the benchmark is over
	}()
	return <-failed
}

// seen is what a registry's process tells of itself.
type seen struct {
	front.Counts
	CPU time.Duration `json:"cpu"` // of the process since it started
}

// control answers what the benchmark asks of a registry, past its front.
func control(ctx context.Context, f *front.Front, c content) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/v2/", c)
	mux.HandleFunc("GET /counts", func(w http.ResponseWriter, _ *http.Request) {
		var used syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_ = json.NewEncoder(w).Encode(seen{f.Counts(), processorTime(&used)}) // the benchmark notices
	})
	mux.HandleFunc("POST /reset", func(http.ResponseWriter, *http.Request) { f.Reset() })
	mux.HandleFunc("POST /empty", func(w http.ResponseWriter, _ *http.Request) {
		if err := c.empty(ctx); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	return mux
}

// processorTime is the time spent in a process and, for it, in the kernel.
func processorTime(used *syscall.Rusage) time.Duration {
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// content is a registry that can start afresh.
type content interface {
	http.Handler
	// empty forgets everything.
	empty(ctx context.Context) error
	close()
}

func newContent(ctx context.Context, server, directory string) (content, error) {
	if directory != "" {
		return files{http.FileServer(http.Dir(directory))}, nil
	}
	var c content = &memory{}
	if server != "" {
		c = &program{path: server}
	}
	if err := c.empty(ctx); err != nil {
		return nil, errors.Join(err, ctx.Err())
	}
	return c, nil
}
