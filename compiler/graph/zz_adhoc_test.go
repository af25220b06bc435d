package graph

import (
	"bufio"
	"encoding/hex"
	"math/rand"
	"os"
	"strings"
	"testing"
)

func TestZZAdhoc(t *testing.T) {
	atoms := []string{"a", "b", "/", ".", "\\", "[", "]", "(", ")", "(?:", "(?=", "(?!", "(?>", "(?i)", "(?i:", "(?-s)", "(?", "?", "*", "+", "{", "}", "{2}", "{2,}", "{1,3}", "{,3}", "{ 1}", "^", "$", "|", "-", "\\d", "\\w", "\\b", "\\A", "\\z", "\\x41", "\\x{41}", "\\x{ff}", "\\x{100}", "\\1", "\\2", "\\0", "\\07", "\\p{L}", "\\pN", "\\p{^Lu}", "[a-z]", "[^/]", "[[:alpha:]]", "[:", ":]", "[.", "[=", "\\R", "\\h", "\\n", "\\e", "é", "#", " ", "&&", "~", "\\-", "\\]", "\\/", "{1000}", "(*", "\\Q", "\\E", ",", "0", "9", "=", "!", "<", ":", "i", "(?P<x>", "\\K", "\\G", "\\N", "\\X", "\\C", "\\g", "\\k", "\\o{7}", "\\c", "(?#", "(?|", "(?1)", "(?R)", "&", "'", "\""}
	f, _ := os.Create("/tmp/rx/accepted")
	defer f.Close()
	w := bufio.NewWriter(f)
	defer w.Flush()
	r := rand.New(rand.NewSource(11))
	accepted := 0
	for i := 0; i < 6000000; i++ {
		n := 1 + r.Intn(9)
		var b strings.Builder
		for range n {
			b.WriteString(atoms[r.Intn(len(atoms))])
		}
		if regexFault(b.String()) == "" {
			accepted++
			w.WriteString(hex.EncodeToString([]byte(b.String())) + "\n")
		}
	}
	t.Log(accepted)
}
