package job_test

import (
	"os"
	"testing"

	"go.podman.io/storage/pkg/reexec"
)

func TestMain(m *testing.M) {
	if reexec.Init() { // podman's store unpacks layers in a process of its own
		return
	}
	os.Exit(m.Run())
}
