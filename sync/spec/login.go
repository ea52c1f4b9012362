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

func (a *accessReader) readCredentials(node *yaml.Node) {
	a.fields(node, "credentials", a.keysOfCredentials())
}

func (a *accessReader) keysOfCredentials() map[string]func(*yaml.Node) {
	return map[string]func(*yaml.Node){
		"username":      a.credential(&a.login.username, "credentials.username", literally),
		"password":      a.credential(&a.login.password, "credentials.password", literally),
		"identitytoken": a.readIdentityToken,
	}
}

// keysOfLogin has a reader for each key of csync that keeps a credential out of
// the file.
func (a *accessReader) keysOfLogin() map[string]func(*yaml.Node) {
	return map[string]func(*yaml.Node){
		"username-env":  a.credential(&a.login.username, "csync.username-env", fromEnvironment),
		"password-env":  a.credential(&a.login.password, "csync.password-env", fromEnvironment),
		"password-file": a.credential(&a.login.password, "csync.password-file", fromFile),
	}
}

// credential reads a key that gives a credential, by way of value.
func (a *accessReader) credential(c *credential, key string, value func(string) (string, error)) func(*yaml.Node) {
	return func(node *yaml.Node) {
		text, ok := a.text(node, key)
		if !ok {
			return
		}
		if c.key != "" {
			a.reject(a.at(node), "%s is given by %s already; keep one of them", key, c.key)
			return
		}
		got, err := value(text)
		if err != nil {
			a.reject(a.at(node), "%s: %v", key, err)
			a.login.broken = true
			return
		}
		*c = credential{value: got, key: key}
	}
}

func (a *accessReader) readIdentityToken(node *yaml.Node) {
	a.login.identityToken, _ = a.text(node, "credentials.identitytoken")
}

// logIn makes the collected credentials those of the access.
func (a *accessReader) logIn() {
	if a.login.broken {
		return
	}
	username, password := a.login.username, a.login.password
	if password.value != "" && username.value == "" {
		a.doubt(a.place, "%s has no user name; write one under credentials or csync.username-env", password.key)
	}
	if username.value != "" && password.value == "" && a.login.identityToken == "" {
		a.doubt(a.place, "%s has no password; write one under credentials, csync.password-env or csync.password-file", username.key)
	}
	a.access.Username = username.value
	a.access.Password = transport.Secret(password.value)
	a.access.IdentityToken = transport.Secret(a.login.identityToken)
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
