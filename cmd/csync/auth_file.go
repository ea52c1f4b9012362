package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	"csync/sync/fault"
)

// checkAuthFile refuses a credentials file that is not there or not what
// containers-auth.json(5) says, because it would be found out image by image.
// Its content is secret, and no message has any of it.
func checkAuthFile(path string) error {
	stat, err := os.Stat(path)
	if err == nil && !stat.Mode().IsRegular() {
		return nil // what can be read once is left to those who need it
	}
	var content []byte
	if err == nil {
		content, err = os.ReadFile(path)
	}
	if err != nil {
		return fault.WithRemedy(fault.Input, fmt.Errorf("reading credentials file: %w", err), "csync login --authfile "+path+" REGISTRY makes it")
	}
	if err := checkAuths(content); err != nil {
		return fault.New(fault.Input, fmt.Errorf("reading credentials file %s: %w", path, err))
	}
	return nil
}

func checkAuths(content []byte) error {
	var file *struct {
		Auths map[string]struct {
			Auth          string `json:"auth"`
			IdentityToken string `json:"identitytoken"`
		} `json:"auths"`
		CredHelpers map[string]string `json:"credHelpers"`
	}
	err := json.Unmarshal(content, &file)
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong) && wrong.Field == "" || err == nil && file == nil:
		return errors.New("it is no object, see containers-auth.json(5)")
	case wrong != nil: // which has a part of the value
		return fmt.Errorf("%q is of the wrong type, see containers-auth.json(5)", wrong.Field)
	case err != nil:
		return fmt.Errorf("it is not JSON: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(file.Auths)) {
		if _, err := base64.StdEncoding.DecodeString(file.Auths[name].Auth); err != nil {
			return fmt.Errorf("the auth of %q is not base64", name)
		}
	}
	return nil
}
