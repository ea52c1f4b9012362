package transport

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestChallengesAreRead(t *testing.T) {
	t.Parallel()
	type parameters = map[string]string
	for name, c := range map[string]struct {
		headers []string
		wanted  []challenge
	}{
		"Docker Hub": {
			[]string{`Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"`},
			[]challenge{{"bearer", parameters{"realm": "https://auth.docker.io/token", "service": "registry.docker.io", "scope": "repository:a/b:pull,push"}}},
		},
		"two in one header": {
			[]string{`Basic realm="a, b", Bearer realm=c , Service = "d"`},
			[]challenge{{"basic", parameters{"realm": "a, b"}}, {"bearer", parameters{"realm": "c", "service": "d"}}},
		},
		"two headers":        {[]string{"Basic realm=a", "Bearer realm=b"}, []challenge{{"basic", parameters{"realm": "a"}}, {"bearer", parameters{"realm": "b"}}}},
		"escaped quotes":     {[]string{`Basic realm="a\"b\\c"`}, []challenge{{"basic", parameters{"realm": `a"b\c`}}}},
		"URL without quotes": {[]string{"Bearer realm=https://q.io/token,service=q.io"}, []challenge{{"bearer", parameters{"realm": "https://q.io/token", "service": "q.io"}}}},
		"no parameters":      {[]string{"Negotiate"}, []challenge{{"negotiate", parameters{}}}},
		"quote left open":    {[]string{`Basic realm="a`}, []challenge{{"basic", parameters{"realm": "a"}}}},
		"empty":              {[]string{"", " , "}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.wanted, parseChallenges(c.headers))
		})
	}
}

func FuzzChallenge(f *testing.F) {
	for _, seed := range []string{
		`Bearer realm="https://auth.docker.io/token",service="registry.docker.io"`, `Basic realm="a\"b", Bearer realm=c`,
		`Negotiate YII=`, `Bearer realm="`, `,,=,"`, "Basic\x00realm=\xff", `Bearer realm="\`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		for _, c := range parseChallenges([]string{header}) {
			require.NotEmpty(t, c.scheme)
			for name := range c.parameters {
				require.NotEmpty(t, name)
			}
		}
	})
}
