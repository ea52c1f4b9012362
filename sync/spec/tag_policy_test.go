package spec

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/fault"
)

func TestATagPolicySaysWhichTagsMayMove(t *testing.T) {
	for _, test := range []struct {
		policy             string
		movable, immovable []string
	}{
		{"allow", []string{"latest", "1.0", "allow"}, nil},
		{"deny", nil, []string{"latest", "1.0", "deny"}},
		{"latest", []string{"latest"}, []string{"latest-1", "not-latest", "1.0"}},
		{"current-.*|latest", []string{"current-tripleo", "latest"}, []string{"latest-1", "not-current-x"}},
		{`^v\d+$`, []string{"v1", "v12"}, []string{"v1.2", "v"}},
	} {
		policy, err := ParseTagPolicy(test.policy)
		require.NoError(t, err, test.policy)
		for _, tag := range test.movable {
			require.True(t, policy.MayMove(tag), "%s: %s", test.policy, tag)
		}
		for _, tag := range test.immovable {
			require.False(t, policy.MayMove(tag), "%s: %s", test.policy, tag)
		}
	}
}

func TestAnImmutableTagDoesNotMoveWhateverElseIsAllowed(t *testing.T) {
	for _, policy := range []string{"allow", ".*"} {
		policy, err := ParseTagPolicy(policy)
		require.NoError(t, err)
		policy.immutable = []*regexp.Regexp{regexp.MustCompile(`^[0-9a-f]{8,}_`)}
		require.False(t, policy.MayMove("3f2a9b1c_0000"))
		require.True(t, policy.MayMove("current-tripleo"))
	}
}

func TestATagPolicyThatCannotBeReadIsAnInputError(t *testing.T) {
	for text, want := range map[string]string{
		"":     "it is empty; allow, deny or a regex of the tags that may move was meant",
		"(":    `"(" is not a regex (RE2): missing closing ): ` + "`(`",
		"a)|(": `"a)|(" is not a regex (RE2): unexpected ): ` + "`a)|(`",
	} {
		_, err := ParseTagPolicy(text)
		require.EqualError(t, err, want)
		require.True(t, fault.Is(err, fault.Input))
	}
}
