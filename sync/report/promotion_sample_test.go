package report

import (
	"errors"
	"fmt"
	"time"

	"csync/sync/fault"

	"github.com/opencontainers/go-digest"
)

const (
	trunk       = "docker://trunk.example.com:5000/tripleomaster/"
	releaseHash = "3f1c9a52b7d04e6688aa51f0c2e9d7b6a4135e08_9b2ad7c4"
)

// mirrors are where releases go.
func mirrors(n int) []string {
	return []string{
		"docker://quay.example.com/tripleomaster/", "docker://mirror.example.net:5000/rdo/tripleomaster/",
		"docker://registry.ci.example.org/tripleomaster/", "docker://images.rdoproject.example/tripleomaster/",
	}[:n]
}

var services = []string{
	"aodh-api", "barbican-worker", "cinder-volume", "designate-sink", "glance-api", "heat-engine", "ironic-neutron-agent",
	"keystone", "manila-share", "neutron-metadata-agent-ovn", "nova-novncproxy", "octavia-health-manager", "placement-api", "swift-object", "zaqar-wsgi",
}

// release makes the results of a promotion.
type release struct {
	images, mirrors int
	results         []Result
}

// promotion is what becomes of a release where nothing fails, some of it being
// in place.
func promotion(images, n int) *release {
	r := &release{images: images, mirrors: n}
	for i := range images {
		for m, mirror := range mirrors(n) {
			r.image(i, m, mirror)
		}
		r.results = append(r.results, r.label(i, trunk))
	}
	return r
}

func (r *release) report() *Report {
	done := New("promote", "1.2.0", false, start)
	done.Finish(r.results, map[string]int64{"trunk.example.com:5000": 1204, "quay.example.com": 2810}, start.Add(4*time.Minute+12*time.Second))
	return done
}

func serviceName(i int) string {
	name := "openstack-" + services[i%len(services)]
	if i >= len(services) {
		name += fmt.Sprintf("-%d", i/len(services))
	}
	return name
}

func (r *release) image(i, m int, mirror string) {
	name := serviceName(i)
	for p, platform := range []string{"x86_64", "ppc64le"} {
		if p == 1 && i%2 == 1 {
			continue
		}
		tag := releaseHash + "_" + platform
		content := Result{
			Action: Copy, Status: Done, Source: trunk + name + ":" + tag, Destination: mirror + name + ":" + tag, MediaType: imageType,
			Digest: made(name, platform), Platforms: []string{"linux/" + map[string]string{"x86_64": "amd64", "ppc64le": "ppc64le"}[platform]},
			Verified: true, Attempts: 1, BytesWritten: int64(3_100_000 + i*977_000%41_000_000), BytesReused: 212_400_000, DurationMS: int64(1200 + i*137%4000),
		}
		content.SourceDigest = content.Digest
		if m == 0 {
			content.BytesRead = content.BytesWritten
		}
		if i%7 == 3 {
			content.Status, content.BytesRead, content.BytesWritten, content.BytesReused, content.DurationMS = Unchanged, 0, 0, 0, 31
		}
		r.results = append(r.results, content)
	}
	r.results = append(r.results, Result{
		Action: Assemble, Status: Done, Source: trunk + name + ":" + releaseHash + "_x86_64", Destination: mirror + name + ":" + releaseHash,
		Digest: made(name, "index"), MediaType: indexType, Platforms: platformsOf(i), Verified: true, Attempts: 1, DurationMS: 48,
	}, r.label(i, mirror))
}

func (r *release) label(i int, place string) Result {
	name := serviceName(i)
	return Result{
		Action: Retag, Status: Done, Source: trunk + name + ":" + releaseHash + "_x86_64", Destination: place + name + ":current-tripleo",
		Digest: made(name, "index"), PreviousDigest: made(name, "old"), MediaType: indexType, Platforms: platformsOf(i), Verified: true, Attempts: 1, DurationMS: 35,
		Gate: &Gate{
			Command: []string{"./scan", "--image=" + name + "@" + made(name, "index").String()}, Passed: true,
			Output: fmt.Sprintf("scanning %s\n%d packages, 0 critical, %d low\n", name, 300+i, i%5),
		},
	}
}

func platformsOf(i int) []string {
	if i%2 == 1 {
		return []string{"linux/amd64"}
	}
	return []string{"linux/amd64", "linux/ppc64le"}
}

func made(name, what string) digest.Digest { return digest.FromString(name + what) }

// each changes every result that fits.
func (r *release) each(fits func(*Result) bool, change func(*Result)) {
	for i := range r.results {
		if fits(&r.results[i]) {
			change(&r.results[i])
		}
	}
}

func (r *Result) becomes(status Status) {
	*r = Result{Action: r.Action, Status: status, Source: r.Source, Destination: r.Destination, Platforms: r.Platforms, Digest: r.Digest, Gate: r.Gate}
}

func (r *Result) fails(side fault.Side, err error) {
	r.becomes(Failed)
	reference := map[fault.Side]string{fault.Source: r.Source, fault.Destination: r.Destination}[side]
	r.Error, r.Attempts, r.DurationMS = Failure(fault.At(side, reference, err)), 5, 9100
}

// failing is a release of which one destination takes nothing and another not
// everything, and that a gate does not like; so no label moves.
func failing(images, n int) *Report {
	down := mirrors(n)[n-1]
	r := promotion(images, n)
	at := func(place string) func(*Result) bool {
		return func(r *Result) bool { return inside(r.Destination, place) }
	}
	r.each(func(r *Result) bool { return r.kind() == label }, func(r *Result) {
		r.becomes(Skipped)
		r.Reason = "not moved, because " + down + serviceName(0) + ":" + releaseHash + " and 40 others failed"
	})
	r.each(at(down), func(r *Result) {
		r.fails(fault.Destination, fault.WithRemedy(fault.TLS, fmt.Errorf(
			"asking for %s: tls: failed to verify certificate: x509: certificate signed by unknown authority", pathOf(r.Destination)), "--dest-tls-verify=false"))
	})
	r.each(func(r *Result) bool {
		return at(mirrors(n)[0])(r) && inside(repository(r.Source), trunk+serviceName(4)) && r.kind() != label
	}, func(r *Result) {
		r.fails(fault.Destination, fault.New(fault.Denied, fmt.Errorf("writing manifest %s: denied: requested access to the resource is denied", r.Digest)))
	})
	r.each(func(r *Result) bool { return r.kind() == label && repository(r.Source) == trunk+serviceName(7) }, func(r *Result) {
		r.Gate = &Gate{Command: r.Gate.Command, Output: "scanning\nCVE-2026-1234 critical openssl 3.0.7\n"}
		r.fails(fault.Destination, fault.New(fault.Policy, errors.New("the gate ./scan refuses "+r.Digest.String()+": exit status 1: CVE-2026-1234 critical openssl 3.0.7")))
	})
	return r.report()
}

func inside(reference, place string) bool {
	return len(reference) >= len(place) && reference[:len(place)] == place
}
