package lint

import (
	"fmt"
	"strings"
)

// maxAssumed objects are named; JSON has them all.
const maxAssumed = 20

// text is a line for each finding, as compilers write them, so that editors
// find the place; then what else there is to know, and a sum.
func (r Report) text() string {
	var b strings.Builder
	for _, u := range r.Unreadable {
		at := u
		at.Object = ""
		at.Message = "error: " + strings.TrimPrefix(u.Object+": "+u.Message, ": ")
		fmt.Fprintf(&b, "%s [%s]\n", oneLine(at.String()), Unreadable.ID)
	}
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "%s: %s: %s: %s [%s]\n", f.Place, level(f.Severity), f.Object, oneLine(f.Diagnostic.String()), f.Check)
	}
	for _, p := range r.PassedOver {
		at := p
		at.Object, at.Message = "", "note: "+strings.TrimPrefix(p.Object+": "+p.Message, ": ")
		b.WriteString(oneLine(at.String()) + "\n")
	}
	if len(r.Assumed) > 0 {
		var names []string
		for _, o := range r.Assumed[:min(len(r.Assumed), maxAssumed)] {
			names = append(names, o.String())
		}
		if more := len(r.Assumed) - len(names); more > 0 {
			names = append(names, fmt.Sprintf("and %d more", more))
		}
		fmt.Fprintf(&b, "note: not among the manifests, and taken to exist: %s\n", strings.Join(names, ", "))
	}
	b.WriteString(r.Summary.String() + "\n")
	return b.String()
}

// oneLine keeps what users wrote from ending a line.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// String returns "2 errors, 1 warning: 14 objects judged, 3 of other kinds".
func (s Summary) String() string {
	text := fmt.Sprintf("%s, %s: %s judged",
		count(s.Denied+s.Unreadable, "error"), count(s.Warnings, "warning"), count(s.Judged, "object"))
	if s.Others > 0 {
		text += fmt.Sprintf(", %d of other kinds", s.Others)
	}
	return text
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
