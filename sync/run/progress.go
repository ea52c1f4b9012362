package run

import "csync/sync/report"

// Progress is told what a run is doing. Its methods are called from many
// goroutines.
type Progress interface {
	// Planned says how many more steps there are to do.
	Planned(steps int)
	// Moving says that a blob of size bytes starts to move. add counts moved
	// bytes, and done ends it.
	Moving(name string, size int64) (add func(n int64), done func())
	// Finished says that a step has its result.
	Finished(result report.Result)
}

// listeners is a Progress that tells each of several what it is told.
type listeners []Progress

func (l listeners) Planned(steps int) {
	for _, one := range l {
		one.Planned(steps)
	}
}

func (l listeners) Moving(name string, size int64) (add func(n int64), done func()) {
	var adds []func(int64)
	var dones []func()
	for _, one := range l {
		add, done := one.Moving(name, size)
		adds, dones = append(adds, add), append(dones, done)
	}
	add = func(n int64) {
		for _, add := range adds {
			add(n)
		}
	}
	done = func() {
		for _, done := range dones {
			done()
		}
	}
	return add, done
}

func (l listeners) Finished(result report.Result) {
	for _, one := range l {
		one.Finished(result)
	}
}
