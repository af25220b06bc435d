package corpus

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// sizes are how long texts are written: 13KB stands for that many bytes.
var sizes = regexp.MustCompile(`^([0-9]+)([KM])B$`)

// longest is how long a text may be that an account has word for word.
const longest = 1 << 10

// expand returns the text that is meant.
func expand(text string) string {
	m := sizes.FindStringSubmatch(text)
	if m == nil {
		return text
	}
	n, _ := strconv.Atoi(m[1])
	if m[2] == "M" {
		n <<= 10
	}
	return strings.Repeat("x", n<<10)
}

// shorten is the inverse of expand for texts that are long.
func shorten(text string) string {
	switch n := len(text); {
	case n <= longest:
		return text
	case n%(1<<20) == 0:
		return strconv.Itoa(n>>20) + "MB"
	default:
		return strconv.Itoa(n>>10) + "KB"
	}
}

func shortened(headers http.Header) http.Header {
	out := http.Header{}
	for name, values := range headers {
		for _, value := range values {
			out[name] = append(out[name], shorten(value))
		}
	}
	return out
}
