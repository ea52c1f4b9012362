package run_test

import (
	"fmt"
	"os"
	"testing"

	"go.podman.io/storage/pkg/reexec"
)

// TestMain lets podman's store run this program again to unpack a layer, and ends
// what the tests' keys have started.
func TestMain(m *testing.M) {
	if reexec.Init() {
		return
	}
	code := m.Run()
	if err := removeKeys(); err != nil {
		fmt.Fprintln(os.Stderr, "removing keys:", err)
		code = 1
	}
	os.Exit(code)
}
