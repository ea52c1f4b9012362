package report

// Summary counts the results of a run. Each result is counted once besides
// Total: one that is done under its action, every other under its status.
type Summary struct {
	Total        int              `json:"total"`
	Copied       int              `json:"copied"`
	Retagged     int              `json:"retagged"`
	Assembled    int              `json:"assembled"`
	Merged       int              `json:"merged"`
	Deleted      int              `json:"deleted"`
	Unchanged    int              `json:"unchanged"`
	Planned      int              `json:"planned"`
	Skipped      int              `json:"skipped"`
	Failed       int              `json:"failed"`
	RolledBack   int              `json:"rolled_back"`
	BytesRead    int64            `json:"bytes_read"`
	BytesWritten int64            `json:"bytes_written"`
	BytesReused  int64            `json:"bytes_reused"`
	Requests     map[string]int64 `json:"requests"` // sent to each host, retries included
}

// summarize counts results, without requests.
func summarize(results []Result) Summary {
	s := Summary{Total: len(results), Requests: map[string]int64{}}
	for i := range results {
		result := &results[i]
		*s.count(result)++
		s.BytesRead += result.BytesRead
		s.BytesWritten += result.BytesWritten
		s.BytesReused += result.BytesReused
	}
	return s
}

// count is the counter of a result. An action or status that is not one of
// ours counts as failed, so that it cannot pass for success.
func (s *Summary) count(result *Result) *int {
	switch result.Status {
	case Done:
		return s.countDone(result.Action)
	case Unchanged:
		return &s.Unchanged
	case Planned:
		return &s.Planned
	case Skipped:
		return &s.Skipped
	case RolledBack:
		return &s.RolledBack
	default:
		return &s.Failed
	}
}

func (s *Summary) countDone(action Action) *int {
	switch action {
	case Copy:
		return &s.Copied
	case Retag:
		return &s.Retagged
	case Assemble:
		return &s.Assembled
	case Merge:
		return &s.Merged
	case Delete:
		return &s.Deleted
	default:
		return &s.Failed
	}
}

// done is how many steps changed their destination.
func (s *Summary) done() int {
	return s.Copied + s.Retagged + s.Assembled + s.Merged + s.Deleted
}
