package lint

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/gatewright/gatewright/compiler/diagnostic"
)

// Form is how a report is written.
type Form string

// The forms of a report.
const (
	Text   Form = "text"
	JSON   Form = "json"
	SARIF  Form = "sarif"
	GitHub Form = "github"
)

// Write writes the report.
func (r Report) Write(to io.Writer, f Form) error {
	switch f {
	case JSON:
		return writeJSON(to, r)
	case SARIF:
		return writeJSON(to, r.sarif())
	case GitHub:
		return writeText(to, r.github())
	case Text:
		return writeText(to, r.text())
	}
	return fmt.Errorf("there is no form %q of a report", f)
}

func writeJSON(to io.Writer, value any) error {
	encoder := json.NewEncoder(to)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

func writeText(to io.Writer, text string) error {
	if _, err := io.WriteString(to, text); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// level is the word of compilers, SARIF and GitHub for a severity.
func level(s diagnostic.Severity) string {
	switch s {
	case diagnostic.Deny:
		return "error"
	case diagnostic.Warn:
		return "warning"
	case diagnostic.Info:
	}
	return "note"
}
