package job

import (
	"path/filepath"

	"csync/sync/image/trust"
	"csync/sync/memory"
	"csync/sync/plan"
)

// openCache reads what earlier runs have found out: what platform filters made
// of indexes, and which images the policy has admitted. Not having that is no
// failure.
func (j *job) openCache() {
	admitted := memory.New[trust.Admission]()
	if j.CacheFile != "" {
		var err error
		if j.cache, err = plan.OpenCache(j.CacheFile); err != nil {
			j.logger.Warn(err)
		}
		if admitted, err = memory.Open[trust.Admission](filepath.Join(filepath.Dir(j.CacheFile), "admitted.json")); err != nil {
			j.logger.Warn(err)
		}
	}
	j.copier.Trust.Admitted = admitted
}

// saveCache keeps the cache for the next run, unless nothing is to be written.
func (j *job) saveCache() {
	if j.readOnly() {
		return
	}
	saves := []func() error{j.copier.Trust.Admitted.Save}
	if j.cache != nil {
		saves = append(saves, j.cache.Save)
	}
	for _, save := range saves {
		if err := save(); err != nil {
			j.logger.Warn(err)
		}
	}
}
