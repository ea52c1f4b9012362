package job

import "csync/sync/plan"

// openCache reads what platform filters made of indexes in earlier runs. Not
// having that is no failure.
func (j *job) openCache() {
	if j.CacheFile == "" {
		return
	}
	cache, err := plan.OpenCache(j.CacheFile)
	if err != nil {
		j.logger.Warn(err)
	}
	j.cache = cache
}

// saveCache keeps the cache for the next run, unless nothing is to be written.
func (j *job) saveCache() {
	if j.cache == nil || j.readOnly() {
		return
	}
	if err := j.cache.Save(); err != nil {
		j.logger.Warn(err)
	}
}
