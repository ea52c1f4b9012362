package main

import (
	"fmt"
	"path/filepath"
	"strconv"
)

// releaseHash is what the images of a release have as their tag, and the first
// part of their arch tags.
const releaseHash = "3f2a9b1c_9b1c2d3e"

// releaseImages is a release as a CI pipeline builds it: images on one base, each
// under the hash and under that of its platform, every second one for two.
func releaseImages(count int) []repository {
	var all []repository
	base := []layer{{seed: 1, size: 256 * kilobyte}, {seed: 2, size: 256 * kilobyte}}
	for n := range count {
		own := func(seed int) []layer { return append(base[:2:2], layer{uint64(seed), 64 * kilobyte}) }
		r := repository{name: fmt.Sprintf("release/openstack-app-%03d", n), images: []image{
			{tag: releaseHash, layers: own(10 + n)}, {tag: releaseHash + "_x86_64", layers: own(10 + n)},
		}}
		if n%2 == 0 {
			r.images = append(r.images, image{tag: releaseHash + "_ppc64le", layers: own(10_000 + n), platform: "linux/ppc64le"})
		}
		all = append(all, r)
	}
	return all
}

// promote is csync with a promotion file.
func (t tools) promote() tool {
	return tool{name: csyncName, parallel: 1, commands: func(k task) ([][]string, error) {
		var names []string
		for _, r := range k.repositories {
			names = append(names, filepath.Base(r.name))
		}
		side := func(registry string) map[string]any {
			return map[string]any{"registry": registry, "namespace": "release", "tls-verify": k.network.secure}
		}
		source := side(k.source)
		source["label"] = false
		var destinations []any
		for _, d := range k.destinations {
			destinations = append(destinations, side(d))
		}
		file := filepath.Join(k.directory, "promotion.yaml")
		return [][]string{{
			t.csyncPath, "promote", file, "--jobs", strconv.Itoa(t.inFlight), "--output", "json", "--journal", file + ".journal",
		}}, writeJSON(file, map[string]any{
			"source": source, "destinations": destinations, "images": map[string]any{"names": names},
			"hash": releaseHash, "label": "current", "optional": []string{"linux/ppc64le"},
			"platforms": map[string]string{"linux/amd64": "_x86_64", "linux/ppc64le": "_ppc64le"},
		})
	}}
}

// skopeoCopies and craneCopies are scripts of processes: for each image and
// destination its copies, and the label when they are done. They make no index.
func (t tools) skopeoCopies(parallel int) tool {
	return copies("skopeo", parallel, `for tag in "$@"; do
		skopeo copy --quiet --all --src-tls-verify=false --dest-tls-verify=false "docker://$SOURCE:$tag" "docker://$DESTINATION:$tag" || exit
	done
	skopeo copy --quiet --all --src-tls-verify=false --dest-tls-verify=false "docker://$DESTINATION:$1" "docker://$DESTINATION:current"`)
}

func (t tools) craneCopies(parallel int) tool {
	return copies("crane", parallel, fmt.Sprintf(`for tag in "$@"; do
		%[1]s copy --insecure "$SOURCE:$tag" "$DESTINATION:$tag" || exit
	done
	%[1]s tag --insecure "$DESTINATION:$1" current`, t.cranePath))
}

func copies(name string, parallel int, script string) tool {
	return tool{name: fmt.Sprintf("%s %d x 1", name, parallel), parallel: parallel, commands: func(k task) ([][]string, error) {
		var commands [][]string
		for _, d := range k.destinations {
			for _, r := range k.repositories {
				command := []string{"env", "SOURCE=" + k.source + "/" + r.name, "DESTINATION=" + d + "/" + r.name, "sh", "-c", script, "sh"}
				for _, i := range r.images {
					command = append(command, i.tag)
				}
				commands = append(commands, command)
			}
		}
		return commands, nil
	}}
}

// rowP is a promotion: a release to three registries, and its label.
func (t tools) rowP() row {
	images := releaseImages(150)
	return row{name: "P", works: []work{{
		id: "P", says: "a release of 150 images, half of them for two platforms, promoted to three registries",
		network: far(near), repositories: images, destinations: 3, runs: 1,
		tools: []tool{t.promote(), t.skopeoCopies(8), t.craneCopies(8)},
	}}, goals: []goal{
		ofBestPeer("P", 0.3),
		ofUniqueBytes("P", source, uniqueBytes(images)),
	}}
}
