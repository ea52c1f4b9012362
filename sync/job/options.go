package job

import (
	"context"
	"fmt"
	"io"

	"github.com/sirupsen/logrus"

	"csync/sync/fault"
	"csync/sync/plan"
	"csync/sync/prune"
	"csync/sync/registry/transport"
	"csync/sync/run"
	"csync/sync/spec"
)

// Verb is what a run does with its plan.
type Verb string

// The verbs, as the report names them.
const (
	Sync   Verb = "sync"   // carries it out
	Copy   Verb = "copy"   // the same, of one image
	Plan   Verb = "plan"   // says what would be done
	Verify Verb = "verify" // says what is not in place

	Promote  Verb = "promote"  // carries a promotion out
	Prune    Verb = "prune"    // deletes what is wanted no more
	Retag    Verb = "retag"    // gives further tags
	Assemble Verb = "assemble" // writes indexes of images
	Merge    Verb = "merge"    // writes images over what is there
)

// Options are what is asked of a run.
type Options struct {
	Verb Verb
	// DryRun makes of Sync what Plan is, under its own name.
	DryRun bool
	// Version is csync's, for the report.
	Version string

	// SourceFile says what is wanted; "-" is Input.
	SourceFile string
	Input      io.Reader
	// Since takes of a cip manifest only what it did not ask for at this commit;
	// empty: everything.
	Since string
	// Sources are places of which every image is wanted.
	Sources []string
	// Destinations are the places that get everything.
	Destinations []string
	Naming       plan.Naming
	LatestBy     plan.TagOrder
	// AllowMissing takes an index without some of the wanted platforms.
	AllowMissing bool

	// TagPolicy says which tags may be moved; nil: all, but none for a cip manifest.
	TagPolicy *spec.TagPolicy

	// MaxDelete bounds what a run removes from mirrors, which is half of a
	// repository unless it is given.
	MaxDelete prune.Limit

	// RequireImages takes it for a mistake that nothing is wanted at all.
	RequireImages bool

	// Jobs bounds the images under way, and the requests at a registry unless
	// Registry does; at least 1.
	Jobs int
	// Deep asks for every blob of what Sync leaves in place, or Verify finds.
	Deep bool
	// FailFast stops at the first failure.
	FailFast bool
	// CacheFile remembers what platform filters made of indexes; empty: nothing
	// does.
	CacheFile string

	// Registry configures the client; its System the library's transports, too.
	Registry transport.Options
	// Transport is shared with other runs; nil: the run has one of its own, made
	// of Registry.
	Transport                       *transport.Transport
	SourceAccess, DestinationAccess transport.Access

	Trust   Trust
	Signing Signing
	// Format converts manifests to oci, v2s1 or v2s2; empty keeps them.
	Format string
	// PreserveDigests refuses even that.
	PreserveDigests bool

	// Progress are all who are told how far the run is.
	Progress []run.Progress
	// Log gets what is to be known besides the report; nil: nobody is told.
	Log *logrus.Logger
	// CopyLog gets containers/image's lines about each copy; nil: nobody does.
	CopyLog io.Writer
}

// readOnly reports whether nothing is to be written.
func (o Options) readOnly() bool { return o.DryRun || o.Verb == Plan || o.Verb == Verify }

// attempts is how often a blob is tried, which a client repeats no more often
// than a request.
func (o Options) attempts() int { return max(o.Registry.Retries, 0) + 1 }

// log is Log, or one that says nothing.
func (o Options) log() *logrus.Logger {
	if o.Log != nil {
		return o.Log
	}
	silent := logrus.New()
	silent.SetOutput(io.Discard)
	return silent
}

// load reads what is wanted.
func (o Options) load(ctx context.Context) (*spec.File, error) {
	if o.Since != "" {
		if o.SourceFile == "" {
			return nil, o.usage("--since takes a manifest of cip: --src-yaml FILE is missing")
		}
		file, err := spec.LoadSince(ctx, o.SourceFile, o.Since)
		if err != nil {
			return nil, fmt.Errorf("--since: %w", err)
		}
		return file, nil
	}
	switch o.SourceFile {
	case "":
		return &spec.File{}, nil
	case "-":
		return spec.Load("standard input", o.Input, spec.Strict)
	}
	return spec.LoadPath(o.SourceFile, spec.Strict)
}

// usage is a mistake on the command line.
func (o Options) usage(format string, args ...any) error {
	return fault.WithRemedy(fault.Input, fmt.Errorf(format, args...), "csync "+string(o.Verb)+" --help")
}

// formatType is the media type that skopeo calls format.
func formatType(format string) (string, error) {
	switch format {
	case "":
		return "", nil
	case "oci":
		return "application/vnd.oci.image.manifest.v1+json", nil
	case "v2s1":
		return "application/vnd.docker.distribution.manifest.v1+prettyjws", nil
	case "v2s2":
		return "application/vnd.docker.distribution.manifest.v2+json", nil
	}
	return "", fault.New(fault.Input, fmt.Errorf("unknown format %q. Choose one of the supported formats: 'oci', 'v2s1', or 'v2s2'", format))
}
