package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/gatewright/gatewright/test/homelab"
)

// hostileTexts would end a string, a directive or a block, start a comment,
// expand a variable or run something, if they were not printed with care.
var hostileTexts = map[string]string{
	"quotes and braces":       `"; } } location / { return 200 "owned"; } #`,
	"single quotes":           `'; } server { listen 8888; } #'`,
	"variables":               `$host ${request_uri} $$ $1 ${`,
	"backslashes":             `\ \\ \" \n \$host \`,
	"comments and directives": `# ; { } <!--#exec cmd="id"--> content_by_lua_block { os.exit() }`,
	"percent signs":           `%22 %7b %3B %`,
}

// hostileControl has what no configuration and no HTTP message can hold.
const hostileControl = "a\r\nX-Injected: yes\n}"

func TestHostileTextMeansItself(t *testing.T) {
	explainFailure(t)
	for name, text := range hostileTexts {
		t.Run("in headers: "+name, func(t *testing.T) {
			apply(t, route("hostile", fmt.Sprintf(`filters: [
			  {type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: X-Hostile, value: %[1]s}]}},
			  {type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: X-Hostile, value: %[1]s}]}}], %[2]s`, strconv.Quote(text), toWhoami)))
			got := expect(t, laptop(t), "https://hostile.jarrett.net/", http.StatusOK, "X-Hostile: "+text+"\n")
			if value := got.header.Get("X-Hostile"); value != text {
				t.Errorf("the response header is %q instead of %q", value, text)
			}
			expectUnharmed(t)
		})
		t.Run("in the rewritten path: "+name, func(t *testing.T) {
			apply(t, route("hostile", fmt.Sprintf(`filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath, replaceFullPath: %s}}}], %s`,
				strconv.Quote("/"+text), toWhoami)))
			got := expect(t, laptop(t), "https://hostile.jarrett.net/", http.StatusOK)
			requestLine := strings.Split(got.body, "\n")[2]
			if strings.Count(requestLine, " ") != 2 || !strings.HasPrefix(requestLine, "GET /") {
				t.Errorf("the backend got the request line %q", requestLine)
			}
			expectUnharmed(t)
		})
	}
	t.Run("in the path to match", func(t *testing.T) {
		apply(t, route("hostile", `matches: [{path: {type: PathPrefix, value: "/a;$host'(x)"}}], `+toWhoami))
		expect(t, laptop(t), "https://hostile.jarrett.net/a;$host'(x)/b", http.StatusOK, "GET /a;$host'(x)/b HTTP/1.1")
		expect(t, laptop(t), "https://hostile.jarrett.net/", http.StatusNotFound)
		expectUnharmed(t)
	})
	for field, rule := range map[string]string{
		"a header":           `filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: X-Hostile, value: %s}]}}], ` + toWhoami,
		"a response header":  `filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {add: [{name: X-Hostile, value: %s}]}}], ` + toWhoami,
		"a rewritten path":   `filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: %s}}}], ` + toWhoami,
		"a redirect's path":  `filters: [{type: RequestRedirect, requestRedirect: {path: {type: ReplaceFullPath, replaceFullPath: %s}}}]`,
		"a header to match":  `matches: [{headers: [{name: X-Hostile, value: %s}]}], ` + toWhoami,
		"a regex to match":   `matches: [{path: {type: RegularExpression, value: %s}}], ` + toWhoami,
		"a query parameter":  `matches: [{queryParams: [{name: q, value: %s}]}], ` + toWhoami,
		"a path to match":    `matches: [{path: {type: Exact, value: %s}}], ` + toWhoami,
		"the name of a rule": `name: %s, ` + toWhoami,
	} {
		t.Run("is refused with line breaks in "+field, func(t *testing.T) {
			manifest := route("hostile", fmt.Sprintf(rule, strconv.Quote("/"+hostileControl)))
			said, err := lab.Apply(t.Context(), manifest)
			if err == nil {
				t.Cleanup(func() { _ = lab.Delete(context.Background(), manifest) })
				t.Errorf("it was admitted: %s", said)
			}
			expectUnharmed(t)
		})
	}
}

// expectUnharmed has a neighbour answer, and nginx take a further change.
func expectUnharmed(t *testing.T) {
	t.Helper()
	expect(t, laptop(t), "https://"+homelab.Whoami+"/", http.StatusOK)
	neighbour := route("neighbour", toWhoami)
	if _, err := lab.Apply(t.Context(), neighbour); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := lab.Delete(context.Background(), neighbour); err != nil {
			t.Error(err)
		}
	}()
	expect(t, laptop(t), "https://neighbour.jarrett.net/", http.StatusOK)
}
