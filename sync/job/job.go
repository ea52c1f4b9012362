package job

import (
	"context"
	"io"
	"time"

	"github.com/sirupsen/logrus"

	"csync/sync/image"
	"csync/sync/image/trust"
	"csync/sync/log"
	"csync/sync/plan"
	"csync/sync/registry"
	"csync/sync/registry/transport"
	"csync/sync/report"
	"csync/sync/run"
	"csync/sync/spec"
)

// Run brings the destinations to what the sources say, or with another verb says
// what is missing for that. Everything that was asked for is in the report; an
// error says that nothing was attempted. When ctx ends, what is under way is
// given up, and the report says how far the run came.
func Run(ctx context.Context, o Options) (*report.Report, error) {
	file, err := o.load(ctx)
	if err != nil {
		return nil, err
	}
	return carryOut(ctx, o, func(j *job) (plan.Request, error) { return j.request(file) })
}

// carryOut does with what the request asks for what the verb says.
func carryOut(ctx context.Context, o Options, ask func(*job) (plan.Request, error)) (*report.Report, error) {
	j, err := open(ctx, o, false)
	if err != nil {
		return nil, err
	}
	defer j.close()
	ctx = log.With(ctx, j.logger)
	request, err := ask(j)
	if err != nil {
		return nil, err
	}
	p := plan.Make(ctx, request)
	if err := j.checkEmpty(p); err != nil {
		return nil, err
	}
	if o.FailFast && p.Failed() {
		p.Cancel(stopped)
	}
	j.act(ctx, p)
	j.complete(ctx, p)
	return j.report(append(p.Results(), j.mirror(ctx, p)...)), nil
}

// stopped is why nothing more is done under FailFast.
const stopped = "not done, because another step failed (--fail-fast)"

// job is what options make of the outside world.
type job struct {
	Options
	started time.Time
	logger  *logrus.Logger
	client  *registry.Client
	copier  *image.Copier
	signers []io.Closer
	cache   *plan.Cache
	places  []image.Place
	stocks  map[string]image.Stock // places on this machine that are pruned
	skopeo  bool                   // the form of the command line
	inOrder bool                   // as if one step were done after another

	closeTransport func() // nil: it is not the run's own
}

// open sets up everything but the places. The skopeo form needs a policy, and
// may change manifests.
func open(ctx context.Context, o Options, skopeo bool) (*job, error) {
	format, err := formatType(o.Format)
	if err != nil {
		return nil, err
	}
	j := &job{Options: o, skopeo: skopeo, started: time.Now(), logger: o.log()}
	j.copier = &image.Copier{
		Trust: &trust.Trust{}, Homes: &trust.Homes{System: o.Registry.System}, Directory: image.Temporary(o.Registry.System),
		Format: format, PreserveDigests: o.PreserveDigests, AllowConversion: skopeo && !o.PreserveDigests, Log: o.CopyLog,
	}
	if err := j.trust(skopeo); err != nil {
		return nil, err
	}
	if err := j.sign(ctx); err != nil {
		return nil, err
	}
	j.connect()
	j.copier.Homes.Fetch = j.client.Fetch
	j.openCache()
	return j, nil
}

// connect makes the run's client, over a transport that may be others' as well.
func (j *job) connect() {
	way := j.Transport
	if way == nil {
		options := j.Registry
		if options.MaxRequests <= 0 {
			options.MaxRequests = j.Jobs
		}
		way = transport.New(options)
		j.closeTransport = way.Close
	}
	j.client = registry.NewClient(way, registry.Options{ReadOnly: j.readOnly()})
}

// close gives back what open has taken, and keeps what was learnt.
func (j *job) close() {
	j.saveCache()
	if j.closeTransport != nil {
		j.closeTransport()
	}
	j.closeSigners()
}

// request makes of the options what a plan is made of.
func (j *job) request(file *spec.File) (plan.Request, error) {
	request := j.whatever(file)
	if err := j.openDestinations(&request); err != nil {
		return request, err
	}
	return request, j.addSources(&request)
}

// whatever is what holds for whatever is asked for.
func (j *job) whatever(file *spec.File) plan.Request {
	request := plan.Request{
		File: file, OpenDestination: j.openDestination, Naming: j.Naming, Client: j.client,
		SourceAccess: j.SourceAccess, System: j.Registry.System, AllowMissing: j.AllowMissing, LatestBy: j.LatestBy,
		Format: j.copier.Format, Cache: j.cache, Copier: j.copier, ReadOnly: j.readOnly(), Jobs: j.Jobs,
	}
	request.TagPolicy = file.DefaultTagPolicy()
	if j.TagPolicy != nil {
		request.TagPolicy = *j.TagPolicy
	}
	return request
}

// act does with the plan what the verb says.
func (j *job) act(ctx context.Context, p *plan.Plan) {
	switch {
	case j.Verb == Verify && j.Deep:
		p.VerifyDeep(ctx, j.Jobs)
	case j.Verb == Verify:
		p.Verify(ctx, j.Jobs)
	case j.readOnly() && ctx.Err() != nil:
		p.Cancel("interrupted before it was planned")
	case j.readOnly():
		p.DryRun()
	default:
		j.run(ctx, p)
	}
}

func (j *job) run(ctx context.Context, p *plan.Plan) {
	run.Run(ctx, p, run.Options{
		Copier: j.copier, Directory: j.copier.Directory, Jobs: j.Jobs, Attempts: j.attempts(),
		FailFast: j.FailFast, FinishBegun: j.inOrder, Progress: j.Progress,
	})
	j.cache.Learn(p)
}

// complete ends archives, also those of a run that was interrupted: what it has
// done is to be kept, or given up in order. Then it looks whether all is there,
// if that was asked for.
func (j *job) complete(ctx context.Context, p *plan.Plan) {
	for _, place := range j.places {
		p.Complete(context.WithoutCancel(ctx), place)
	}
	if j.Deep && !j.readOnly() {
		p.Audit(ctx, j.Jobs)
	}
}

func (j *job) report(results []report.Result) *report.Report {
	r := report.New(string(j.Verb), j.Version, j.readOnly(), j.started)
	r.Finish(results, j.client.Requests(), time.Now())
	return r
}
