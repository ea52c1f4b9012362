package prune

import (
	"fmt"
	"strconv"
	"strings"

	"csync/sync/fault"
)

// Limit is how much may be deleted at most. The zero value is no limit.
type Limit struct {
	most    int
	percent bool
	set     bool
}

// ParseLimit reads N, tags in all, or N%, of the tags of each repository.
func ParseLimit(text string) (Limit, error) {
	digits, percent := strings.CutSuffix(text, "%")
	most, err := strconv.ParseUint(digits, 10, 31)
	if err != nil || percent && most > 100 {
		return Limit{}, fault.New(fault.Input, fmt.Errorf("%q is neither a number nor a percentage such as 50%%", text))
	}
	return Limit{int(most), percent, true}, nil
}

// String is the limit as [ParseLimit] reads it.
func (l Limit) String() string {
	switch {
	case !l.set:
		return "none"
	case l.percent:
		return fmt.Sprintf("%d%%", l.most)
	}
	return strconv.Itoa(l.most)
}

// loss is what a repository loses.
type loss struct {
	repository  string
	going, tags int
}

// check says what is more than the limit allows.
func (l Limit) check(losses []loss) error {
	if !l.set {
		return nil
	}
	sum := 0
	for _, r := range losses {
		sum += r.going
		if l.percent && r.going*100 > l.most*r.tags {
			return l.exceeded("%s would lose %d of %d tags", r.repository, r.going, r.tags)
		}
	}
	if !l.percent && sum > l.most {
		return l.exceeded("%d tags would be deleted", sum)
	}
	return nil
}

func (l Limit) exceeded(format string, args ...any) error {
	return fault.WithRemedy(fault.Policy, fmt.Errorf("nothing is deleted, because "+format+", more than --max-delete %s", append(args, l)...),
		"if that is right, give --max-delete more")
}
