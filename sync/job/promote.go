package job

import (
	"cmp"
	"context"
	"errors"

	"go.podman.io/image/v5/docker/reference"

	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/log"
	"csync/sync/origin"
	"csync/sync/promote"
	"csync/sync/registry/quay"
	"csync/sync/report"
	"csync/sync/run"
	"csync/sync/spec"
)

// Promotion is what a promotion is asked for besides its options. Its file takes
// the place of their sources and destinations; SourceFile names it.
type Promotion struct {
	// Hash and Label take the place of the file's; "": they do not.
	Hash, Label string
	// AllowPartial promotes the other images where the source lacks some.
	AllowPartial bool
	// Journal is the file that has what tags named before they moved.
	Journal string
	// KeepDirectory is where images are kept, if they are, unless the file says where.
	KeepDirectory string
	// Resume goes on with a promotion that did not come to its end.
	Resume bool
	// Rollback undoes the last promotion of the journal, and promotes nothing.
	Rollback bool
}

// Run promotes the images of one hash, or with the verb Verify says what is not in
// place of them. Everything that was asked for is in the report; an error says that
// nothing was attempted.
func (p Promotion) Run(ctx context.Context, o Options) (*report.Report, error) {
	file, err := o.loadPromotion(p)
	if errors.Is(err, spec.ErrCip) {
		return p.runCip(ctx, o)
	}
	if err != nil {
		return nil, err
	}
	if len(o.Destinations) > 0 {
		return nil, o.usage("--dest: %s names its own destinations", file.Name)
	}
	j, err := open(ctx, o, false)
	if err != nil {
		return nil, err
	}
	defer j.close()
	ctx = log.With(ctx, j.logger)
	request := j.promotion(file, p)
	if request.Journal, err = promote.OpenJournal(p.Journal); err != nil {
		return nil, err
	}
	defer func() { _ = request.Journal.Close() }() // every line of it is on disk
	if p.Rollback {
		return j.rollBack(ctx, request)
	}
	if request.Found, err = origin.Find(ctx, file, j.fetch); err != nil {
		return nil, err
	}
	if !j.readOnly() {
		if err := request.Unfinished(p.Resume); err != nil {
			return nil, err
		}
	}
	kept, err := j.keep(file, p)
	if err != nil {
		return nil, err
	}
	promoted, err := promote.Run(ctx, request)
	if err != nil {
		return nil, errors.Join(err, kept.close())
	}
	j.cache.Learn(promoted)
	kept.settle(ctx, promoted)
	return j.report(promoted.Results()), nil
}

// runCip promotes what a manifest of cip says: digests and their tags, each by
// itself.
func (p Promotion) runCip(ctx context.Context, o Options) (*report.Report, error) {
	if p.Hash != "" || p.Label != "" || p.Resume || p.Rollback || p.AllowPartial {
		return nil, o.usage("%s is a manifest of cip, which has no hash, no label and no journal", o.SourceFile)
	}
	return Run(ctx, o)
}

// loadPromotion reads the promotion file, and what is given besides it.
func (o Options) loadPromotion(p Promotion) (*spec.Promotion, error) {
	file, err := o.readPromotion()
	if err != nil {
		return nil, err
	}
	if p.Hash != "" {
		file.Hash = spec.Hash{Value: p.Hash}
	}
	file.Label = cmp.Or(p.Label, file.Label)
	if o.TagPolicy != nil {
		file.TagPolicy = *o.TagPolicy
	}
	if p.Rollback && file.Hash == (spec.Hash{}) {
		file.Hash.Value = "none" // which is not asked for
	}
	return file, file.Check()
}

func (o Options) readPromotion() (*spec.Promotion, error) {
	if o.SourceFile == "-" {
		return spec.LoadPromotion("standard input", o.Input)
	}
	return spec.LoadPromotionPath(o.SourceFile)
}

// promotion makes of the options what a promotion is made of.
func (j *job) promotion(file *spec.Promotion, p Promotion) promote.Request {
	j.access(file)
	return promote.Request{
		Promotion: file, AllowPartial: p.AllowPartial, Verify: j.Verb == Verify, Deep: j.Deep,
		Access: func(side spec.Registry) image.Access {
			return image.Access{Client: j.client, Registry: side.Access, System: j.Registry.System}
		},
		Create: j.create,
		Plan:   j.given(),
		Run: run.Options{
			Copier: j.copier, Directory: j.copier.Directory, Jobs: j.Jobs, Attempts: j.attempts(), Progress: j.Progress,
		},
	}
}

// rollBack undoes what the journal's last promotion has done.
func (j *job) rollBack(ctx context.Context, request promote.Request) (*report.Report, error) {
	results, err := promote.Rollback(ctx, request)
	if err != nil {
		return nil, err
	}
	return j.report(results), nil
}

// create makes a repository by the API of the side's registry.
func (j *job) create(ctx context.Context, side spec.Registry, repository string) error {
	name, err := reference.ParseNormalizedNamed(side.Registry + "/" + repository)
	if err != nil {
		return fault.New(fault.Input, err)
	}
	access := side.Access
	access.RegistryToken = side.Token
	api, err := j.client.API(side.Registry, access)
	if err != nil {
		return err
	}
	_, err = quay.At(api).Create(ctx, name, quay.Visibility(side.Create), "")
	return err
}

// fetch brings the lists that a promotion file names.
func (j *job) fetch(ctx context.Context, location string) ([]byte, error) {
	return origin.Over(j.client)(ctx, location)
}
