package run_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"csync/sync/image"
	"csync/sync/registry/registrytest"
	"csync/sync/registry/transport"
	"csync/sync/report"
)

// crowd pushes images that share layers in every order.
func crowd(t *testing.T, source *registrytest.Registry, images int) (file string) {
	t.Helper()
	var repositories []string
	for i := range images {
		repository := fmt.Sprintf("team/app%02d", i)
		repositories = append(repositories, repository)
		var layers []registrytest.Blob
		for j := range 6 {
			layers = append(layers, registrytest.RandomLayer((i*5+j*(1+i%5))%7, 2000))
		}
		source.Push(t, repository, "1.0", registrytest.Index(
			registrytest.RandomImage(2*i, registrytest.WithLayers(layers[:3]...)),
			registrytest.RandomImage(2*i+1, registrytest.WithLayers(layers[3:]...), registrytest.WithPlatform("linux/arm64"))))
	}
	return allOf(source, repositories...)
}

func TestImagesThatShareLayersInEveryOrderReachSeveralRegistries(t *testing.T) {
	t.Parallel()
	source := registrytest.Start(t)
	file := crowd(t, source, 24)
	for range 3 {
		one, two, three := registrytest.Start(t), registrytest.Start(t), registrytest.Start(t)
		source.Reset()
		l := newLab(t, "docker://"+one.Host(), "docker://"+two.Host(), "docker://"+three.Host())
		l.jobs = 64

		results := l.sync(file)

		require.Len(t, results, 72)
		requireAll(t, report.Done, results)
		require.Equal(t, 48+7, source.Count(registrytest.BlobGet), "configs and layers, each read once")
	}
}

// TestBlobsForOneAndForSeveralRegistriesDoNotWaitForEachOther has every second
// image at one of two destinations already: then the source's turns could all be
// with those that wait for the destination, and its turns with those that wait
// for the source.
func TestBlobsForOneAndForSeveralRegistriesDoNotWaitForEachOther(t *testing.T) {
	t.Parallel()
	source, one, two := registrytest.Start(t), registrytest.Start(t), registrytest.Start(t)
	var repositories []string
	for i := range 48 {
		name := fmt.Sprintf("app-%d", i)
		image := registrytest.RandomImage(i, registrytest.WithLayers(registrytest.RandomLayer(i, 100_000), registrytest.RandomLayer(500+i, 100_000)))
		source.Push(t, name, "1", image)
		if i%2 == 0 {
			two.Push(t, name, "1", image)
		}
		repositories = append(repositories, name)
	}
	l := newLab(t)
	l.connect(transport.Options{MaxRequests: 4})
	l.places = []image.Place{l.place("docker://" + one.Host()), l.place("docker://" + two.Host())}

	for _, result := range l.sync(allOf(source, repositories...)) {
		require.Contains(t, []report.Status{report.Done, report.Unchanged}, result.Status, result.Error)
	}
}

// TestImagesThatWaitForEachOthersBlobsBothArrive has two images that need the
// same two blobs. At the first registry each is the one that brings one of them;
// at the second each looks for the other's first.
func TestImagesThatWaitForEachOthersBlobsBothArrive(t *testing.T) {
	t.Parallel()
	source, one, two := registrytest.Start(t), registrytest.Start(t), registrytest.Start(t)
	x, y := registrytest.RandomLayer(1, 1000), registrytest.RandomLayer(2, 1000)
	images := map[string][2]registrytest.Image{}
	for i, repository := range []string{"p", "q"} {
		children := [2]registrytest.Image{
			registrytest.RandomImage(10*i, registrytest.WithLayers(x)),
			registrytest.RandomImage(10*i+1, registrytest.WithLayers(y), registrytest.WithPlatform("linux/arm64")),
		}
		images[repository] = children
		source.Push(t, repository, "1.0", registrytest.Index(children[0], children[1]))
		for _, destination := range []*registrytest.Registry{one, two} {
			destination.Push(t, repository, "old", registrytest.RandomImage(20+i))
		}
	}
	l := newLab(t, "docker://"+one.Host(), "docker://"+two.Host())
	p := l.plan(allOf(source, "p", "q"))
	about := func(req *http.Request, repository string, d digest.Digest) bool {
		return strings.HasPrefix(req.URL.Path, "/v2/"+repository+"/") && strings.Contains(req.URL.Path+req.URL.RawQuery, d.Encoded())
	}
	var px, qy, py, qx event
	px.init()
	qy.init()
	py.init()
	qx.init()
	one.Intercept(func(_ http.ResponseWriter, req *http.Request) bool {
		switch {
		case about(req, "p", x.Digest()):
			px.happen()
		case about(req, "q", y.Digest()):
			qy.happen()
		case about(req, "p", images["p"][1].Digest()), about(req, "q", images["q"][0].Digest()):
			px.wait(req)
			qy.wait(req)
		}
		return false
	})
	two.Intercept(func(_ http.ResponseWriter, req *http.Request) bool {
		px.wait(req)
		qy.wait(req)
		switch {
		case about(req, "p", images["p"][1].Digest()):
			py.happen()
		case about(req, "q", images["q"][0].Digest()):
			qx.happen()
		case about(req, "p", images["p"][0].Digest()), about(req, "q", images["q"][1].Digest()):
			py.wait(req)
			qx.wait(req)
			<-time.After(50 * time.Millisecond) // so that the others are answered and have asked for more
		}
		return false
	})
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()

	l.run(ctx, p)

	requireAll(t, report.Done, p.Results())
}

// event is something that happens once.
type event struct {
	once     sync.Once
	happened chan struct{}
}

func (e *event) init() { e.happened = make(chan struct{}) }

func (e *event) happen() { e.once.Do(func() { close(e.happened) }) }

func (e *event) wait(req *http.Request) {
	select {
	case <-e.happened:
	case <-req.Context().Done():
	}
}
