package agent

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

const (
	// maxWords bounds what of nginx's words goes into a status.
	maxWords = 1024
	// maxLines bounds the lines that are kept of one reload.
	maxLines = 20
)

var (
	logPrefix = regexp.MustCompile(`^(nginx: |\d{4}/\d\d/\d\d \d\d:\d\d:\d\d )`)
	processID = regexp.MustCompile(`^(\[\w+\]) (\d+)#\d+: `)
	severe    = regexp.MustCompile(`\[(emerg|alert|crit)\]`)
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

// complaints are what the master says while it loads a configuration, of which
// nginx tells nobody else why it refuses one.
type complaints struct {
	mu    sync.Mutex
	lines []string
}

// clear forgets what was heard before a reload.
func (c *complaints) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines = nil
}

// hear takes a line of nginx's error log. Only the master loads configurations.
// Most reasons are [emerg]; that a memory zone is too small is [crit], and that
// there is no memory for it [alert].
func (c *complaints) hear(line string, master int) {
	said := processID.FindStringSubmatch(logPrefix.ReplaceAllString(line, ""))
	if said == nil || !severe.MatchString(said[1]) || said[2] != strconv.Itoa(master) || workerDied.MatchString(line) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.lines) < maxLines && !slices.Contains(c.lines, line) {
		c.lines = append(c.lines, line)
	}
}

// heard returns the lines since clear.
func (c *complaints) heard() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.lines, "")
}
