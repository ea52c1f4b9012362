package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

var errSingle = errors.New("knows one destination and all tags only")

// csync writes skopeo's YAML and runs csync once.
func (t tools) csync() tool {
	return tool{name: "csync", parallel: 1, commands: func(k task) ([][]string, error) {
		file, err := sourceFile(k)
		trust, trustErr := k.trust()
		command := append([]string{
			t.csyncPath, "sync", "--src-yaml", file, "--dest-path", "path",
			"--jobs", strconv.Itoa(t.inFlight), "--output", "json", "--dest-tls-verify=" + strconv.FormatBool(k.network.secure),
		}, append(trust, k.formatOption()...)...)
		for _, d := range k.destinations {
			place := "docker://" + d
			if !k.retag {
				place += "/" + prefix[:len(prefix)-1]
			}
			command = append(command, "--dest", place)
		}
		return [][]string{command}, errors.Join(err, trustErr)
	}}
}

// skopeo is a process for each repository, several at the same time.
func (t tools) skopeo(parallel int) tool {
	return tool{name: fmt.Sprintf("skopeo sync %d x 1", parallel), parallel: parallel, commands: func(k task) ([][]string, error) {
		trust, err := k.trust()
		if err != nil {
			return nil, err
		}
		var commands [][]string
		for n, r := range k.repositories {
			one := k
			one.repositories, one.directory = []repository{r}, filepath.Join(k.directory, strconv.Itoa(n))
			if err := os.MkdirAll(one.directory, 0o700); err != nil {
				return nil, fmt.Errorf("making a directory: %w", err)
			}
			file, err := sourceFile(one)
			if err != nil {
				return nil, err
			}
			command := append([]string{"skopeo"}, trust...)
			command = append(command, "sync", "--all", "--src", "yaml", "--dest", "docker", "--dest-tls-verify="+strconv.FormatBool(k.network.secure))
			command = append(command, k.formatOption()...)
			commands = append(commands, append(command, file, k.destinations[0]+"/"+prefix[:len(prefix)-1]))
		}
		return commands, nil
	}}
}

// formatOption is csync's and skopeo's for the work's format.
func (k task) formatOption() []string {
	if k.format == "" {
		return nil
	}
	return []string{"--format", k.format}
}

// sourceFile is the work in skopeo's YAML, of which JSON is a part.
func sourceFile(k task) (string, error) {
	images, own := map[string][]string{}, map[string]any{}
	for _, r := range k.repositories {
		images[r.name] = []string{}
		if !k.retag {
			continue
		}
		labels := map[string][]string{}
		for _, i := range r.images {
			labels[i.tag] = []string{label(i.tag)}
		}
		own[r.name] = map[string]any{"tags": labels}
	}
	registry := map[string]any{"images": images, "tls-verify": k.network.secure}
	keys := map[string]any{}
	if len(own) > 0 {
		keys["repositories"] = own
	}
	if len(k.platforms) > 0 {
		keys["platforms"] = k.platforms
	}
	if len(keys) > 0 {
		registry["csync"] = keys
	}
	file := filepath.Join(k.directory, "images.yaml")
	return file, writeJSON(file, map[string]any{k.source: registry})
}

func label(tag string) string { return "label-" + tag }

// regsync is one process, as fast as its options make it.
func (t tools) regsync() tool {
	return tool{name: "regsync 20 x 64", parallel: 1, commands: func(k task) ([][]string, error) {
		file := filepath.Join(k.directory, "regsync.yaml")
		return [][]string{{t.regsyncPath, "once", "--config", file}}, writeJSON(file, regsyncFile(k, t.inFlight))
	}}
}

// regsyncFile has an entry for each repository, or for each image to retag.
func regsyncFile(k task, inFlight int) map[string]any {
	var registries, entries []map[string]any
	for _, r := range append([]string{k.source}, k.destinations...) {
		tls := "disabled"
		if k.network.secure {
			tls = "enabled"
		}
		registries = append(registries, map[string]any{"registry": r, "tls": tls, "reqConcurrent": inFlight})
		if k.promotion {
			break
		}
	}
	entry := func(kind, source, destination string) {
		e := map[string]any{"type": kind, "source": source, "target": destination}
		if len(k.platforms) > 0 {
			e["platforms"] = k.platforms
		}
		entries = append(entries, e)
	}
	for _, r := range k.repositories {
		source, destination := k.source+"/"+r.name, k.destinations[0]+"/"+prefix+r.name
		if !k.retag {
			entry("repository", source, destination)
			continue
		}
		for _, i := range r.images {
			entry("image", source+":"+i.tag, source+":"+label(i.tag))
		}
	}
	return map[string]any{
		"version": 1, "creds": registries, "sync": entries,
		"defaults": map[string]any{"parallel": 20},
	}
}

// crane is a process for each repository, several at the same time; for a
// retag, a process for each image.
func (t tools) crane(parallel int) tool {
	name := fmt.Sprintf("crane %d x %d", parallel, t.inFlight/parallel)
	return tool{name: name, parallel: parallel, commands: func(k task) ([][]string, error) {
		if len(k.platforms) > 0 || len(k.destinations) > 1 {
			return nil, errSingle
		}
		jobs := strconv.Itoa(t.inFlight / parallel)
		var commands [][]string
		for _, r := range k.repositories {
			source, destination := k.source+"/"+r.name, k.destinations[0]+"/"+prefix+r.name
			if !k.retag {
				commands = append(commands, []string{t.cranePath, "copy", "--all-tags", "--jobs", jobs, source, destination})
				continue
			}
			for _, i := range r.images {
				commands = append(commands, []string{t.cranePath, "tag", source + ":" + i.tag, label(i.tag)})
			}
		}
		return commands, nil
	}}
}

func writeJSON(file string, value any) error {
	content, err := json.MarshalIndent(value, "", " ")
	if err != nil {
		return fmt.Errorf("encoding %s: %w", filepath.Base(file), err)
	}
	if err := os.WriteFile(file, content, 0o600); err != nil {
		return fmt.Errorf("writing %s: %w", filepath.Base(file), err)
	}
	return nil
}
