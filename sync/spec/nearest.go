package spec

import (
	"fmt"
	"strings"
)

// meant says which of the known words was probably meant by word, or names
// them all if none is near.
func meant(word string, known []string) string {
	if near := nearest(word, known); near != "" {
		return fmt.Sprintf("%q was meant", near)
	}
	return "it has " + strings.Join(known, ", ")
}

// didYouMean asks for the nearest of the known words, if one is near.
func didYouMean(word string, known []string) string {
	if near := nearest(word, known); near != "" {
		return fmt.Sprintf("; %q was meant", near)
	}
	return ""
}

// nearest is the known word with the fewest edits from word, the first of
// equals, or "" if all need more than a third of word's length and one. Of many
// words it looks at some.
func nearest(word string, known []string) string {
	known = known[:min(len(known), 1000)]
	best, fewest := "", len(word)/3+2
	for _, candidate := range known {
		if max(len(word)-len(candidate), len(candidate)-len(word)) >= fewest {
			continue
		}
		if edits := distance(strings.ToLower(word), candidate); edits < fewest {
			best, fewest = candidate, edits
		}
	}
	return best
}

// distance is the Levenshtein distance of a and b in bytes. Long words are not
// compared: they are far from everything.
func distance(a, b string) int {
	const long = 256
	if len(a) > long || len(b) > long {
		return max(len(a), len(b))
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substituted := diagonal
			if a[i] != b[j] {
				substituted++
			}
			diagonal = row[j+1]
			row[j+1] = min(substituted, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
