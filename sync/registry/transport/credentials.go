package transport

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"go.podman.io/image/v5/pkg/docker/config"
	"go.podman.io/image/v5/types"

	"csync/sync/fault"
)

// user is who a registry is told is asking. The zero value is nobody.
type user struct {
	name                    string
	password, identityToken Secret
}

// credentialStore finds the user for a host's repositories: the one a side was
// given, or the one in containers-auth.json(5) and its like.
type credentialStore struct {
	host *host

	mu         sync.Mutex // held during a look-up, which may run a credential helper
	users      map[string]user
	namespaced *bool // nil: not known yet
}

func (s *credentialStore) init(h *host) {
	s.host, s.users = h, map[string]user{}
}

// find looks up the user for a repository, "q.io/a/b". A host's user is looked
// up once, unless the files tell its repositories apart.
func (s *credentialStore) find(repository string) (user, error) {
	if a := s.host.access; a.explicit() {
		if a.Anonymous {
			return user{}, nil
		}
		return newUser(a.Username, a.Password, a.IdentityToken), nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := s.host.name
	if repository != "" && s.tellApart() {
		key = repository
	}
	if u, ok := s.users[key]; ok {
		return u, nil
	}
	found, err := config.GetCredentials(s.host.system, key)
	if err != nil {
		return user{}, fault.New(fault.Input, fmt.Errorf("looking up credentials for %s: %w", key, err))
	}
	u := newUser(found.Username, Secret(found.Password), Secret(found.IdentityToken))
	s.users[key] = u
	return u, nil
}

// any reports whether the host has a user.
func (s *credentialStore) any() bool {
	u, err := s.find("")
	return err == nil && u != user{}
}

// newUser knows that credential helpers give identity tokens to a user of a
// special name, and that a token endpoint wants some name with them.
func newUser(name string, password, identityToken Secret) user {
	if identityToken != "" && name == "" {
		name = "<token>"
	}
	return user{name, password, identityToken}
}

// tellApart reports whether a credentials file has an entry for a namespace or
// a repository of the host.
func (s *credentialStore) tellApart() bool {
	if s.namespaced != nil {
		return *s.namespaced
	}
	found := false
	for _, path := range credentialFiles(s.host.system) {
		var file struct {
			Auths map[string]json.RawMessage `json:"auths"`
		}
		content, err := os.ReadFile(path)
		if err != nil || json.Unmarshal(content, &file) != nil {
			continue // the look-up itself will say so where that matters
		}
		for key := range file.Auths {
			found = found || strings.HasPrefix(key, s.host.name+"/")
		}
	}
	s.namespaced = &found
	return found
}

// credentialFiles are those containers/image reads, as containers-auth.json(5)
// lists them.
func credentialFiles(system *types.SystemContext) []string {
	for _, only := range []string{system.AuthFilePath, system.DockerCompatAuthFilePath} {
		if only != "" {
			return []string{only}
		}
	}
	home, _ := os.UserHomeDir() // without one there are none in it
	return []string{
		filepath.Join(variable("XDG_RUNTIME_DIR", "/run"), "containers", runtimeUser(), "auth.json"),
		filepath.Join(variable("XDG_CONFIG_HOME", filepath.Join(home, ".config")), "containers/auth.json"),
		filepath.Join(variable("DOCKER_CONFIG", filepath.Join(home, ".docker")), "config.json"),
	}
}

// runtimeUser is the directory of this user where there is no XDG_RUNTIME_DIR.
func runtimeUser() string {
	if os.Getenv("XDG_RUNTIME_DIR") != "" {
		return ""
	}
	return strconv.Itoa(os.Getuid())
}

func variable(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}
