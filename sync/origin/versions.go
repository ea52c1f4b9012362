package origin

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
)

// The row and the columns of a versions.csv that say which commit of
// tripleo-common a repository of DLRN was built of.
const (
	tripleoProject = "openstack-tripleo-common"
	projectColumn  = "Project"
	commitColumn   = "Source Sha"
)

var commitForm = regexp.MustCompile(`^[0-9a-f]{7,64}$`)

// commitOfTripleo is the commit of tripleo-common that a versions.csv names.
func (f *finder) commitOfTripleo(ctx context.Context, location string) (string, error) {
	content, err := f.text(ctx, location)
	if err != nil {
		return "", err
	}
	commit, line, err := parseVersions(content)
	if err != nil {
		return "", at(location, line, err)
	}
	return commit, nil
}

// parseVersions gives the commit of tripleo-common. An error is about a line, or
// about all.
func parseVersions(content []byte) (commit string, line int, err error) {
	rows := csv.NewReader(bytes.NewReader(content))
	rows.FieldsPerRecord = -1 // DLRN has added columns over the years
	header, err := rows.Read()
	project, source := slices.Index(header, projectColumn), slices.Index(header, commitColumn)
	if err != nil || project < 0 || source < 0 {
		return "", 0, fmt.Errorf("not a versions.csv: no columns %q and %q", projectColumn, commitColumn)
	}
	for {
		row, err := rows.Read()
		switch {
		case errors.Is(err, io.EOF):
			return "", 0, fmt.Errorf("no row of %s", tripleoProject)
		case err != nil:
			return "", 0, fmt.Errorf("not a versions.csv: %w", err)
		case project >= len(row) || row[project] != tripleoProject:
			continue
		}
		line, _ := rows.FieldPos(project)
		if source >= len(row) || !commitForm.MatchString(row[source]) {
			return "", line, fmt.Errorf("the row of %s has no commit in %q", tripleoProject, commitColumn)
		}
		return row[source], 0, nil
	}
}
