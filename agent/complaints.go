package agent

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// maxWords bounds what of nginx's words goes into a status.
const maxWords = 1024

var (
	logPrefix = regexp.MustCompile(`^(nginx: |\d{4}/\d\d/\d\d \d\d:\d\d:\d\d )`)
	processID = regexp.MustCompile(`^(\[\w+\]) (\d+)#\d+: `)
	severe    = regexp.MustCompile(`\[(emerg|alert|crit)\]`)
	// bindFailure is repeated while nginx tries again, and is followed by
	// another message when it gives up.
	bindFailure = regexp.MustCompile(`\[emerg\].* bind\(\) to .* failed`)
)

// words picks nginx's own reasons out of its output, without times and process
// IDs, which would make a status flap, and without the directories of prefixes.
func words(output string, prefixes ...string) string {
	var reasons []string
	for line := range strings.Lines(output) {
		if severe.MatchString(line) {
			reasons = append(reasons, plain(line, prefixes))
		}
	}
	if len(reasons) == 0 {
		reasons = []string{plain(strings.TrimSpace(output), prefixes)}
	}
	text := strings.Join(slices.Compact(reasons), "; ")
	if text == "" {
		text = "nginx gave no reason"
	}
	if len(text) > maxWords {
		text = strings.ToValidUTF8(text[:maxWords], "") + "…"
	}
	return text
}

func plain(line string, prefixes []string) string {
	line = strings.TrimSpace(line)
	line = logPrefix.ReplaceAllString(line, "")
	line = processID.ReplaceAllString(line, "$1 ")
	for _, prefix := range prefixes {
		line = strings.ReplaceAll(line, prefix, "")
	}
	return strings.ToValidUTF8(line, "�")
}

// complaints listens to nginx's error log for the failure of a reload, of which
// nginx tells nobody else.
type complaints struct {
	mu    sync.Mutex
	lines []string
	final bool
}

// clear forgets what was heard before a reload.
func (c *complaints) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines, c.final = nil, false
}

// hear takes a line of nginx's error log. Only the master loads configurations.
func (c *complaints) hear(line string, master int) {
	said := processID.FindStringSubmatch(logPrefix.ReplaceAllString(line, ""))
	if said == nil || said[1] != "[emerg]" || said[2] != strconv.Itoa(master) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.lines) < 20 && !slices.Contains(c.lines, line) {
		c.lines = append(c.lines, line)
	}
	if !bindFailure.MatchString(line) {
		c.final = true
	}
}

// heard returns the lines since clear, and whether nginx has given up.
func (c *complaints) heard() (text string, final bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.lines, ""), c.final
}

// boundedBuffer keeps the first limit bytes and drops the rest.
type boundedBuffer struct {
	limit int
	data  []byte
}

func (b *boundedBuffer) Write(p []byte) (int, error) {
	room := min(len(p), b.limit-len(b.data))
	b.data = append(b.data, p[:room]...)
	return len(p), nil
}

func (b *boundedBuffer) String() string { return string(b.data) }
