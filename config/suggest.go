package config

import (
	"fmt"
	"strings"
)

// meant returns `; did you mean "x"?` for the nearest of the known words, or nothing when none is near.
func meant(word string, known []string) string {
	best, nearest := "", len(word)/2+1
	for _, candidate := range known {
		d := distance(word, candidate)
		if word != "" && (strings.HasPrefix(word, candidate) || strings.HasPrefix(candidate, word)) {
			d = 1
		}
		if d < nearest {
			best, nearest = candidate, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// distance counts the letters to insert, remove or replace to make b of a (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
