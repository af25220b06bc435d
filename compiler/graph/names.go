package graph

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// maxLabel is the longest DNS label (RFC 1035) and label value.
const maxLabel = 63

// shorten returns the name if it is not longer than limit, else its beginning
// and a hash of all of it.
func shorten(name string, limit int) string {
	if len(name) <= limit {
		return name
	}
	return hashed(name, name, limit)
}

// hashed returns the name, cut to what the limit leaves, with a hash of the
// identity.
func hashed(name, identity string, limit int) string {
	sum := sha256.Sum256([]byte(identity))
	suffix := "-" + hex.EncodeToString(sum[:4])
	return strings.TrimRight(name[:min(len(name), limit-len(suffix))], "-.") + suffix
}

// dnsLabel joins words with hyphens into a DNS label of at most 63 octets.
// Where other words could give the same label, or it has to be cut, a hash of
// the words keeps labels apart.
func dnsLabel(words ...string) string {
	label, unique := joined(words)
	if unique {
		return label
	}
	return hashed(label, strings.Join(words, "/"), maxLabel)
}

// upstreamLabel is a dnsLabel whose hash has 8 to 15 digits. nginx compares the
// name of each upstream with those of all others, their lengths first: thousands
// of one length take it twice as long to load.
func upstreamLabel(words ...string) string {
	label, unique := joined(words)
	if unique {
		return label
	}
	sum := sha256.Sum256([]byte(strings.Join(words, "/")))
	suffix := "-" + hex.EncodeToString(sum[:8])[:8+sum[8]%8]
	return strings.TrimRight(label[:min(len(label), maxLabel-len(suffix))], "-.") + suffix
}

// joined returns the words as one label, and whether no other words give it and
// it is short enough.
func joined(words []string) (label string, unique bool) {
	unique = true
	var clean []string
	for _, w := range words {
		c := strings.Map(labelByte, strings.ToLower(w))
		unique = unique && c == w && w != "" && !strings.Contains(w, "-")
		clean = append(clean, c)
	}
	label = strings.Trim(strings.Join(clean, "-"), "-")
	return label, unique && len(label) <= maxLabel
}

func labelByte(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
		return r
	}
	return '-'
}

// nearest returns the name that the user may have meant: the candidate with the
// fewest edits, if they are few; empty where none is near.
func nearest(name string, candidates []string) string {
	best, fewest := "", max(1, len(name)/3)+1
	for _, c := range candidates {
		if edits := editDistance(name, c); edits < fewest {
			best, fewest = c, edits
		}
	}
	return best
}

// meant words the nearest name as the fix of a diagnostic.
func meant(name string, candidates []string) string {
	if near := nearest(name, candidates); near != "" {
		return `did you mean "` + near + `"?`
	}
	return ""
}

// editDistance is the number of letters to insert, delete or replace (the
// Levenshtein distance).
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
