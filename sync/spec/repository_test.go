package spec

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWantsTagsThatAreChosenAndNotExcluded(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, input     string
		wanted, refused []string
	}{
		{"every tag", "images: {redis: []}", []string{"7.2", "latest"}, nil},
		{"named tags are wanted without asking", "images: {redis: [7.2]}", nil, []string{"7.2", "7.3"}},
		{"unanchored regex", `images-by-tag-regex: {redis: '\.2'}`, []string{"7.2", "7.2-alpine"}, []string{"7.3"}},
		{
			"versions", `images-by-semver: {redis: ">= 7.2"}`,
			[]string{"7.2", "v7.3.1", "8"},
			[]string{"7.1", "7.3.0-alpine", "latest", ""},
		},
		{"constraint with or", `images-by-semver: {redis: "~6.2 || ^8"}`, []string{"6.2.1", "8.1"}, []string{"7.0", "6.3"}},
		{"versions and regex", `images-by-semver: {redis: "^8"}, images-by-tag-regex: {redis: ^lat}`, []string{"8.1", "latest"}, []string{"7"}},
		{
			"excluded", `images: {redis: []}, csync: {repositories: {redis: {exclude: ["-rc\\d*$", ^nightly]}}}`,
			[]string{"7.2"},
			[]string{"7.2-rc1", "nightly-1"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			redis := only(t, "q.io: {"+test.input+"}")
			for _, tag := range test.wanted {
				require.True(t, redis.Wants(tag), tag)
			}
			for _, tag := range test.refused {
				require.False(t, redis.Wants(tag), tag)
			}
			require.Equal(t, len(test.wanted) > 0, redis.NeedsTagList())
		})
	}
}
