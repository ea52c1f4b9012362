package spec

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"csync/sync/registry/transport"

	"go.yaml.in/yaml/v3"
)

// login collects the credentials of one registry from its keys.
type login struct {
	username, password credential
	identityToken      string
	broken             bool // a credential cannot be had
}

// credential is a user name or a password and the key that gives it.
type credential struct{ value, key string }

func (s *sourceReader) readCredentials(node *yaml.Node) {
	s.fields(node, "credentials", s.keysOfCredentials())
}

func (s *sourceReader) keysOfCredentials() map[string]func(*yaml.Node) {
	return map[string]func(*yaml.Node){
		"username":      s.credential(&s.login.username, "credentials.username", literally),
		"password":      s.credential(&s.login.password, "credentials.password", literally),
		"identitytoken": s.readIdentityToken,
	}
}

// credential reads a key that gives a credential, by way of value.
func (s *sourceReader) credential(c *credential, key string, value func(string) (string, error)) func(*yaml.Node) {
	return func(node *yaml.Node) {
		text, ok := s.text(node, key)
		if !ok {
			return
		}
		if c.key != "" {
			s.reject(s.at(node), "%s is given by %s already; keep one of them", key, c.key)
			return
		}
		got, err := value(text)
		if err != nil {
			s.reject(s.at(node), "%s: %v", key, err)
			s.login.broken = true
			return
		}
		*c = credential{value: got, key: key}
	}
}

func (s *sourceReader) readIdentityToken(node *yaml.Node) {
	s.login.identityToken, _ = s.text(node, "credentials.identitytoken")
}

// logIn makes the collected credentials those of the source.
func (s *sourceReader) logIn() {
	if s.login.broken {
		return
	}
	username, password := s.login.username, s.login.password
	if password.value != "" && username.value == "" {
		s.doubt(s.Position, "%s has no user name; write one under credentials or csync.username-env", password.key)
	}
	if username.value != "" && password.value == "" && s.login.identityToken == "" {
		s.doubt(s.Position, "%s has no password; write one under credentials, csync.password-env or csync.password-file", username.key)
	}
	s.Access.Username = username.value
	s.Access.Password = transport.Secret(password.value)
	s.Access.IdentityToken = transport.Secret(s.login.identityToken)
}

func literally(text string) (string, error) { return text, nil }

// fromEnvironment is the value of an environment variable.
func fromEnvironment(variable string) (string, error) {
	switch value, set := os.LookupEnv(variable); {
	case !set:
		return "", fmt.Errorf("environment variable %q is not set", variable)
	case value == "":
		return "", fmt.Errorf("environment variable %q is empty", variable)
	default:
		return value, nil
	}
}

// fromFile is the content of a file without the newline that editors put at
// its end.
func fromFile(path string) (string, error) {
	const longest = 64 << 10
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, longest+1))
	if err != nil {
		return "", err
	}
	if len(content) > longest {
		return "", fmt.Errorf("%q has more than %d bytes; a file with only the password was meant", path, longest)
	}
	value := strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r")
	if value == "" {
		return "", errors.New("the file is empty")
	}
	return value, nil
}
