package lint

import (
	"fmt"
	"strings"

	"github.com/gatewright/gatewright/manifest"
)

// github is a workflow command for each finding, which GitHub Actions shows
// beside the line ("Workflow commands for GitHub Actions": setting a warning or
// error message), and the sum for the log.
func (r Report) github() string {
	var b strings.Builder
	for _, u := range r.Unreadable {
		message := strings.TrimPrefix(u.Object+": "+u.Message, ": ")
		b.WriteString(annotation("error", u.Place, Unreadable.ID, message))
	}
	for _, f := range r.Findings {
		b.WriteString(annotation(level(f.Severity), f.Place, f.Check, f.Object.String()+": "+f.Diagnostic.String()))
	}
	b.WriteString(r.Summary.String() + "\n")
	return b.String()
}

func annotation(command string, at manifest.Place, title, message string) string {
	properties := "file=" + property.Replace(at.File)
	if at.Line > 0 {
		properties += fmt.Sprintf(",line=%d", at.Line)
	}
	if at.Column > 0 {
		properties += fmt.Sprintf(",col=%d", at.Column)
	}
	return fmt.Sprintf("::%s %s,title=%s::%s\n", command, properties, property.Replace(title), data.Replace(message))
}

// data and property are the two escapes of actions/toolkit (command.ts).
var (
	data     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)
