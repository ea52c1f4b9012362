package origin

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"csync/sync/fault"
)

// builtLogs are the places below a build's logs that name its images, in the
// order in which they are tried.
var builtLogs = []string{"logs/containers-successfully-built.log", "logs/containers-built.log", "job-output.txt"}

// readBuild reads of which images the latest successful build of a job is.
func (f *finder) readBuild(ctx context.Context) (build, error) {
	root, err := f.latestBuild(ctx)
	if err != nil {
		return build{}, err
	}
	for _, name := range builtLogs {
		location := root + name
		content, err := f.text(ctx, location)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return build{}, err
		}
		if text := string(content); strings.TrimSpace(text) != "" {
			images := f.parseBuild(text)
			return build{location, images}, checkBuilt(location, images)
		}
	}
	return build{}, input("%s: no log names the images: %s are missing or empty", shown(root), strings.Join(builtLogs, ", "))
}

// latestBuild is where the logs of the latest successful build are; the address
// ends with a slash.
func (f *finder) latestBuild(ctx context.Context) (string, error) {
	zuul := f.Images.Zuul
	location := zuul.API + "builds?" + url.Values{"job_name": {zuul.Job}, "result": {"SUCCESS"}}.Encode()
	content, err := f.text(ctx, location)
	if err != nil {
		return "", err
	}
	logs, err := parseBuilds(content, zuul.Job)
	if err != nil {
		return "", at(location, 0, err)
	}
	return strings.TrimRight(logs, "/") + "/", nil
}

// parseBuilds gives the log_url of the first, which is the latest, that was
// successful.
func parseBuilds(content []byte, job string) (string, error) {
	var builds []struct {
		Result string `json:"result"`
		Logs   string `json:"log_url"`
	}
	if err := json.Unmarshal(content, &builds); err != nil {
		return "", fmt.Errorf("not Zuul's list of builds: %w", err)
	}
	for _, build := range builds {
		if build.Result != "SUCCESS" {
			continue
		}
		if u, err := url.Parse(build.Logs); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return "", fmt.Errorf("the latest successful build of %q has no logs at a URL, but %q", job, build.Logs)
		}
		return build.Logs, nil
	}
	return "", fmt.Errorf("none of the %d builds of %q was successful", len(builds), job)
}

// suffixes are what the tags of a build may end with, after the hash.
func (f *finder) suffixes() []string {
	var suffixes []string
	for _, platform := range f.Platforms {
		if platform.Suffix != "" {
			suffixes = append(suffixes, platform.Suffix)
		}
	}
	if suffixes == nil {
		return []string{"_x86_64"} // as container builds of tripleo tag
	}
	return suffixes
}
