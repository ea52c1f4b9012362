package job

import (
	"cmp"
	"context"
	"strings"

	"github.com/opencontainers/go-digest"

	"csync/sync/keep"
	"csync/sync/log"
	"csync/sync/plan"
	"csync/sync/report"
	"csync/sync/spec"
)

// kept is what a promotion keeps of images for the next; without a store, nothing.
type kept struct {
	store *keep.Store
	when  spec.Keep
}

// keep opens what is kept, for a promotion that writes.
func (j *job) keep(file *spec.Promotion, p Promotion) (k kept, err error) {
	if file.Keep == spec.KeepNever || j.readOnly() {
		return k, nil
	}
	k.when = file.Keep
	k.store, err = keep.Open(cmp.Or(file.KeepDirectory, p.KeepDirectory))
	j.copier.Kept = k.store
	return k, err
}

// settle keeps the images that another promotion may have to bring, and removes all
// others, unless everything is to stay. That it cannot is no failure of a promotion.
func (k kept) settle(ctx context.Context, promoted *plan.Plan) {
	if k.store == nil {
		return
	}
	digests := map[string]digest.Digest{} // which a destination that cannot be reached does not tell
	for _, step := range promoted.Steps {
		if step.SourceDigest != "" {
			digests[step.Result.Source] = step.SourceDigest
		}
	}
	var images []keep.Image
	for _, step := range promoted.Steps {
		if d := digests[step.Result.Source]; d != "" && step.Action == report.Copy {
			images = append(images, keep.Image{
				Name: strings.TrimPrefix(step.Result.Source, "docker://"), Digest: d,
				Wanted: k.when == spec.KeepAlways || step.Result.Status == report.Failed,
			})
		}
	}
	if err := k.store.Settle(context.WithoutCancel(ctx), images); err != nil {
		log.From(ctx).Warnf("keeping images: %v", err)
	}
	if err := k.close(); err != nil {
		log.From(ctx).Warnf("keeping images: %v", err)
	}
}

func (k kept) close() error {
	if k.store == nil {
		return nil
	}
	return k.store.Close()
}
