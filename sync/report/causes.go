package report

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"csync/sync/fault"
)

// cause is why results are what they are, said once for all that share it.
type cause struct {
	Status  Status
	Where   string // of a failure: "tls at destination mirror.example.net:5000"
	Message string // what differs from result to result is left out: "…"
	Results []Result
	Images  []string // their names, without what is before the last slash
}

// Few are the images of a cause as a line has room for them.
func (c cause) Few() string {
	const few = 4
	text := strings.Join(c.Images[:min(few, len(c.Images))], ", ")
	if more := len(c.Images) - few; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// failures are the causes of failures; those that most results share come first,
// and last those that only say that the run had ended.
func (r *Report) failures() []cause {
	causes := r.causes(func(result *Result) (where, message string) {
		if result.Error == nil {
			return "", ""
		}
		return result.Error.whereOf(result), result.Error.Message
	})
	slices.SortStableFunc(causes, func(a, b cause) int {
		return cmp.Or(cmp.Compare(a.cancelled(), b.cancelled()), cmp.Compare(len(b.Results), len(a.Results)))
	})
	return causes
}

func (c cause) cancelled() int {
	if c.Results[0].Error.Kind == fault.Cancelled {
		return 1
	}
	return 0
}

// reasons are what results say that have not failed.
func (r *Report) reasons() []cause {
	causes := r.causes(func(result *Result) (where, message string) {
		if result.Error != nil {
			return "", ""
		}
		return "", result.Reason
	})
	slices.SortStableFunc(causes, func(a, b cause) int {
		return cmp.Or(cmp.Compare(a.Status.rank(), b.Status.rank()), cmp.Compare(len(b.Results), len(a.Results)))
	})
	return causes
}

// causes groups the results that have a message by where and what it says.
func (r *Report) causes(of func(*Result) (where, message string)) []cause {
	type key struct {
		status         Status
		where, message string
	}
	groups := map[key]int{}
	var causes []cause
	for i := range r.Results {
		result := &r.Results[i]
		where, message := of(result)
		if message == "" && where == "" {
			continue
		}
		message = unsaid(message, result)
		k := key{result.Status, where, alike(message, result)}
		at, found := groups[k]
		if !found {
			at = len(causes)
			groups[k] = at
			causes = append(causes, cause{Status: result.Status, Where: where, Message: message})
		} else {
			causes[at].Message = k.message
		}
		causes[at].Results = append(causes[at].Results, *result)
	}
	promotion := r.isPromotion()
	for i := range causes {
		for _, image := range images(causes[i].Results, promotion) {
			causes[i].Images = append(causes[i].Images, path.Base(image.Name))
		}
	}
	return causes
}

// whereOf is where a failure was, with the host if it was at one side.
func (e *Error) whereOf(r *Result) string {
	reference := map[fault.Side]string{fault.Source: r.Source, fault.Destination: r.Destination}[e.Side]
	if host := strings.TrimPrefix(registry(Result{Destination: reference}), "docker://"); host != "" {
		return e.where() + " " + host
	}
	return e.where()
}

// unsaid is a message without the side and the reference that it begins with.
func unsaid(message string, r *Result) string {
	message = strings.TrimPrefix(message, "destination "+r.Destination+": ")
	return strings.TrimPrefix(message, "source "+r.Source+": ")
}

// varying are parts of messages that differ where the cause is one: a digest, and
// the local end of a connection.
var varying = regexp.MustCompile(`[0-9a-f]{64}|(?:\d+\.\d+\.\d+\.\d+|\[[0-9a-f:]+\]):\d+->`)

const left = "…" // for what was left out

// alike is a message without what it says of its own result only.
func alike(message string, r *Result) string {
	message = varying.ReplaceAllString(message, left)
	for _, reference := range []string{r.Destination, r.Source} {
		if reference == "" {
			continue
		}
		message = strings.ReplaceAll(message, reference, left)
		name := pathOf(repository(reference))
		message = strings.ReplaceAll(message, name, left)
		if tag := tag(reference); tag != "" {
			message = strings.ReplaceAll(message, ":"+tag, ":"+left)
			message = strings.ReplaceAll(message, "/"+tag, "/"+left)
		}
	}
	return message
}
