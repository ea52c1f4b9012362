package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"csync/sync/registry/registrytest"
)

// scriptRegistry is one of a script's registries.
type scriptRegistry struct {
	*registrytest.Registry
	hanging chan struct{} // a request that hang has stopped
}

// startRegistry is: registry NAME [strict|tls|expired|catalog|distribution|basic
// USER PASSWORD|token USER PASSWORD]... It sets NAME to host:port, and NAME_CERTS
// to the directory with the certificate. Without TLS, registries.conf calls the
// registry insecure unless it is strict.
func startRegistry(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) < 1, "registry NAME [OPTION...]")
	w := worldOf(ts)
	var options []registrytest.Option
	start, insecure := registrytest.Start, true
	for i := 1; i < len(args); i++ {
		switch args[i] {
		case "strict":
			insecure = false
		case "tls":
			insecure, options = false, append(options, registrytest.TLS())
		case "expired":
			insecure, options = false, append(options, registrytest.ExpiredCertificate())
		case "catalog":
			options = append(options, registrytest.Catalog())
		case "anonymous":
			options = append(options, registrytest.AnonymousPull())
		case "distribution":
			start = registrytest.Distribution
		case "basic":
			options, i = append(options, registrytest.Basic(args[i+1], args[i+2])), i+2
		case "token":
			options, i = append(options, registrytest.Token(args[i+1], args[i+2])), i+2
		default:
			ts.Fatalf("registry: no option %q", args[i])
		}
	}
	r := &scriptRegistry{Registry: start(w.TB, options...), hanging: make(chan struct{}, 1000)}
	w.registries[args[0]] = r
	ts.Setenv(args[0], r.Host())
	ts.Setenv(args[0]+"_CERTS", r.CertDir)
	if insecure {
		configure(ts, fmt.Sprintf("location = %q", r.Host()))
	}
}

// configure adds a registry to registries.conf.
func configure(ts *testscript.TestScript, lines string) {
	file, err := os.OpenFile(ts.Getenv("REGISTRIES"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	ts.Check(err)
	_, err = fmt.Fprintf(file, "[[registry]]\n%s\ninsecure = true\n", lines)
	ts.Check(err)
	ts.Check(file.Close())
}

// alias PREFIX LOCATION has registries.conf read images under PREFIX, say
// docker.io, from LOCATION.
func alias(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 2, "alias PREFIX LOCATION")
	configure(ts, fmt.Sprintf("prefix = %q\nlocation = %q", args[0], args[1]))
}

func registryOf(ts *testscript.TestScript, name string) *scriptRegistry {
	r := worldOf(ts).registries[name]
	if r == nil {
		ts.Fatalf("there is no registry %q", name)
	}
	return r
}

// closeRegistry is: close REGISTRY.
func closeRegistry(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 1, "close REGISTRY")
	registryOf(ts, args[0]).Close()
}

// split takes REGISTRY/REPOSITORY[:TAG] or REGISTRY/REPOSITORY@DIGEST.
func split(ts *testscript.TestScript, name string) (r *scriptRegistry, repository, reference string) {
	host, path, _ := strings.Cut(name, "/")
	if repository, reference, ok := strings.Cut(path, "@"); ok {
		return registryOf(ts, host), repository, reference
	}
	repository, reference, _ = strings.Cut(path, ":")
	return registryOf(ts, host), repository, reference
}

// push REGISTRY/REPOSITORY:TAG SEED [docker|attested|signed] [PLATFORM...] pushes
// an image, or an index where there are platforms. The same arguments make the
// same image.
func push(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) < 2, "push REGISTRY/REPOSITORY:TAG SEED [OPTION...] [PLATFORM...]")
	r, repository, tag := split(ts, args[0])
	seed, err := strconv.Atoi(args[1])
	ts.Check(err)
	has := func(word string) bool { return slices.Contains(args[2:], word) }
	platforms := slices.DeleteFunc(slices.Clone(args[2:]), func(word string) bool { return !strings.Contains(word, "/") })
	made := makeImage(seed, has("docker"), platforms)
	if has("attested") {
		made = registrytest.WithAttestations(made)
	}
	r.Push(worldOf(ts), repository, tag, made)
	if has("signed") {
		name, signature := registrytest.CosignSignature(made)
		r.Push(worldOf(ts), repository, name, signature)
	}
	r.Reset()
}

// lose REGISTRY/REPOSITORY:TAG removes the last layer of an image, as a registry
// does by mistake.
func lose(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 1, "lose REGISTRY/REPOSITORY:TAG")
	r, repository, tag := split(ts, args[0])
	blobs := r.Image(worldOf(ts), repository, tag).Blobs
	r.DeleteBlob(worldOf(ts), repository, blobs[len(blobs)-1].Digest())
	r.Reset()
}

func makeImage(seed int, docker bool, platforms []string) registrytest.Image {
	var options []registrytest.ImageOption
	if docker {
		options = append(options, registrytest.WithDocker(), registrytest.WithConfig(withHistory))
	}
	if len(platforms) == 0 {
		return registrytest.RandomImage(seed, options...)
	}
	var children []registrytest.Image
	for i, platform := range platforms {
		with := append(slices.Clone(options), registrytest.WithPlatform(platform))
		children = append(children, registrytest.RandomImage(100*seed+i, with...))
	}
	if docker {
		return registrytest.ManifestList(children...)
	}
	return registrytest.Index(children...)
}

// withHistory is what schema 1, the oldest of Docker's formats, is made of.
func withHistory(config *ocispec.Image) {
	config.History = []ocispec.History{{CreatedBy: "ADD base"}, {CreatedBy: "ADD own"}}
}

// retag REGISTRY/REPOSITORY:TAG TAG gives an image another tag.
func retag(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 2, "retag REGISTRY/REPOSITORY:TAG TAG")
	r, repository, tag := split(ts, args[0])
	r.Retag(worldOf(ts), repository, tag, args[1])
	r.Reset()
}

// setDigest is: digest VARIABLE REGISTRY/REPOSITORY:TAG.
func setDigest(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 2, "digest VARIABLE REGISTRY/REPOSITORY:TAG")
	r, repository, tag := split(ts, args[1])
	ts.Setenv(args[0], r.Digest(worldOf(ts), repository, tag).String())
}

// tags REGISTRY/REPOSITORY TAG... says which tags there are, none but these.
func tags(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) < 1, "tags REGISTRY/REPOSITORY [TAG...]")
	r, repository, _ := split(ts, args[0])
	slices.Sort(args[1:])
	if got := r.Tags(worldOf(ts), repository); !slices.Equal(got, args[1:]) {
		ts.Fatalf("%s has the tags %q", args[0], got)
	}
}

// same A B says that two references name the same image, with everything below
// it, byte for byte; ! that they do not.
func same(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, len(args) != 2, "[!] same REGISTRY/REPOSITORY:TAG REGISTRY/REPOSITORY:TAG")
	var images []registrytest.Image
	for _, name := range args {
		r, repository, reference := split(ts, name)
		images = append(images, r.Image(worldOf(ts), repository, reference))
	}
	if neg {
		require.NotEqual(worldOf(ts), images[0], images[1])
		return
	}
	require.Equal(worldOf(ts), images[0], images[1])
}

var writes = []registrytest.Kind{
	registrytest.ManifestPut, registrytest.ManifestDelete, registrytest.BlobDelete, registrytest.Mount, registrytest.MountRefused,
	registrytest.UploadStart, registrytest.UploadPatch, registrytest.UploadFinish,
}

// untouched REGISTRY... says that nobody has tried to write there.
func untouched(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) < 1, "untouched REGISTRY...")
	for _, name := range args {
		r := registryOf(ts, name)
		for _, kind := range writes {
			if r.Count(kind) > 0 {
				ts.Fatalf("%s was written to:\n%s", name, r.Counts())
			}
		}
	}
}

// requests REGISTRY N [KIND] says how many requests came since the last push.
func requests(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) < 2, "requests REGISTRY N [KIND]")
	r := registryOf(ts, args[0])
	got := len(r.Log())
	if len(args) > 2 {
		got = r.Count(registrytest.Kind(args[2]))
	}
	if strconv.Itoa(got) != args[1] {
		ts.Fatalf("%s got %d requests, not %s:\n%s", args[0], got, args[1], r.Counts())
	}
}

// answer REGISTRY METHOD PATTERN STATUS [BODY [HEADER VALUE]] answers what it
// says whenever method (or ANY) and path match; later answers replace earlier ones.
func answer(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) < 4, "answer REGISTRY METHOD PATTERN STATUS [BODY [HEADER VALUE]]")
	status, err := strconv.Atoi(args[3])
	ts.Check(err)
	r, wanted := registryOf(ts, args[0]), matching(args[1], args[2])
	r.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		if !wanted(req) {
			return false
		}
		for i := 5; i+1 < len(args); i += 2 {
			w.Header().Set(args[i], args[i+1])
		}
		w.WriteHeader(status)
		if len(args) > 4 {
			_, _ = w.Write([]byte(args[4])) // the client may be gone
		}
		return true
	})
}

// hang REGISTRY METHOD PATTERN leaves such requests without an answer until the
// client gives up.
func hang(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 3, "hang REGISTRY METHOD PATTERN")
	r, wanted, end := registryOf(ts, args[0]), matching(args[1], args[2]), make(chan struct{})
	ts.Defer(func() { close(end) })
	r.Intercept(func(_ http.ResponseWriter, req *http.Request) bool {
		if !wanted(req) {
			return false
		}
		_, _ = io.Copy(io.Discard, req.Body) // only then a client that goes is noticed
		r.hanging <- struct{}{}
		select {
		case <-req.Context().Done():
		case <-end:
		}
		return true
	})
}

func matching(method, pattern string) func(*http.Request) bool {
	path := regexp.MustCompile(pattern)
	return func(req *http.Request) bool {
		return (method == "ANY" || req.Method == method) && path.MatchString(req.URL.Path)
	}
}

// envsubst FILE... puts values for $NAME and ${NAME}, where it is a registry's
// or is otherwise set.
func envsubst(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) < 1, "envsubst FILE...")
	for _, name := range args {
		text := variable.ReplaceAllStringFunc(ts.ReadFile(name), func(reference string) string {
			if value := ts.Getenv(strings.Trim(reference, "${}")); value != "" {
				return value
			}
			return reference
		})
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o644))
	}
}

var variable = regexp.MustCompile(`\$\w+|\$\{\w+\}`)
