package job

import (
	"fmt"

	"github.com/sirupsen/logrus"

	"csync/sync/plan"
	"csync/sync/report"
	"csync/sync/spec"
)

// What is logged here are skopeo's lines, because wrappers of skopeo read them.

// announceSources says which tags are about to be looked for.
func (f skopeo) announceSources(file *spec.File) {
	if f.readOnly() {
		f.logger.Warn("Running in dry-run mode")
	}
	for _, source := range file.Sources {
		for _, repository := range source.Repositories {
			log := f.logger.WithFields(logrus.Fields{"repo": repository.Key, "registry": source.Registry})
			lists := repository.NeedsTagList()
			if f.From == "docker" {
				f.logger.WithFields(logrus.Fields{"imagename": f.Source, "tagged": !lists}).Info("Tag presence check")
			} else {
				log.Info("Processing repo")
			}
			if f.From != "docker" && lists {
				log.Info("Querying registry for image tags")
			}
			if lists {
				f.logger.WithField("image", repository.Name.Name()).Info("Getting tags")
			}
		}
	}
}

// announceEmpty says which repositories have nothing to copy, and why the others
// that have nothing could not be listed.
func (f skopeo) announceEmpty(p *plan.Plan, file *spec.File) {
	if f.From == "docker" {
		return // then it ends the run
	}
	repositories := map[string]logrus.Fields{}
	for _, source := range file.Sources {
		for _, repository := range source.Repositories {
			repositories["docker://"+repository.Name.Name()] = logrus.Fields{"repo": repository.Key, "registry": source.Registry}
		}
	}
	for _, step := range p.Steps {
		fields := repositories[step.Result.Source]
		switch {
		case step.Source.Reference != nil:
		case step.Result.Status == report.Skipped:
			f.logger.WithFields(fields).Warn("No refs to sync found")
		case step.Result.Status == report.Failed:
			if fields != nil {
				f.logger.WithFields(fields).Error("Error processing repo, skipping")
			}
			f.logger.Error(cause(step.Err))
		}
	}
}

// announce says what of the steps within reach is copied, numbered within each
// repository.
func (f skopeo) announce(p *plan.Plan, within int) {
	message := "Copying image ref %d/%d"
	if f.readOnly() {
		message = "Would have copied image ref %d/%d"
	}
	all, seen := countBy(p), map[string]int{}
	for _, step := range p.Steps[:within] {
		name := repository(step)
		seen[name]++
		if step.Result.Status == report.Unchanged && !f.readOnly() && f.CopyLog != nil {
			_, _ = fmt.Fprintln(f.CopyLog, "Skipping: image already present at destination")
		}
		if named(step) && step.Result.Status != report.Skipped {
			f.logger.WithFields(logrus.Fields{"from": step.Result.Source, "to": step.Result.Destination}).Infof(message, seen[name], all[name])
		}
	}
}

// summarize says how many images are in place, or would be.
func (f skopeo) summarize(p *plan.Plan) {
	synced, images, sources := "Synced", 0, map[string]bool{}
	if f.readOnly() {
		synced = "Would have synced"
	}
	for _, step := range p.Steps {
		switch step.Result.Status {
		case report.Done, report.Unchanged, report.Planned:
			images++
		}
		if step.Source.Reference != nil {
			sources[repository(step)] = true
		}
	}
	f.logger.Infof("%s %d images from %d sources", synced, images, len(sources))
}

func countBy(p *plan.Plan) map[string]int {
	counts := map[string]int{}
	for _, step := range p.Steps {
		counts[repository(step)]++
	}
	return counts
}

// repository is the one that an image comes from; all directories count as one.
func repository(step *plan.Step) string {
	if source, ok := step.Source.Remote(); ok {
		return source.Name().Name()
	}
	return ""
}
