package graph

import (
	"strings"
	"testing"
)

func TestExpressionsThatPCRE2CompilesAreTaken(t *testing.T) {
	t.Parallel()
	for _, expression := range []string{
		"/api/v[0-9]+/.*", `/(?i)users/\d{1,9}(/|$)`, `\.(?:png|jpe?g)$`, "/a(?!dmin)", "(a|b)*?c++", `(x)\1`,
		`[]a]`, `[^]/-]`, `[a\-z]`, "[[:alpha:][:^digit:]_]", `[.]`, `\p{L}\P{Nd}\pN`, `\x41\x{ff}\0`, "/user/{id}",
		"(?>a+)b", "(?-s:.)", "(?s-i)a", "é", `\/\-\~`, "()", "a||b", "[a-z0-9]{1,63}", `\R\h\H`, "/$",
	} {
		if fault := regexFault(expression); fault != "" {
			t.Errorf("%s is refused: %s", expression, fault)
		}
	}
}

func TestExpressionsAreRefusedInWordsThatHelp(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"(^/api":                        `missing ")" at offset 6`,
		"/api)":                         `")" without "("`,
		"a)(b":                          `")" without "("`,
		"[a-z":                          `missing "]"`,
		"*a":                            "nothing to repeat before *",
		"(?i)*":                         "an assertion cannot be repeated",
		"^*":                            "an assertion cannot be repeated",
		"a{3,1}":                        "{3,1} is no repetition",
		"a{,3}":                         "{,3} is no repetition",
		"{2}":                           "nothing to repeat before {",
		"a{1001}":                       "more than 1000 repetitions",
		"(?:[a-z]{2}){1000}":            "too large",
		"[z-a]":                         "the range z-a is empty",
		`[\d-z]`:                        "a range cannot begin with a set",
		`[a-\d]`:                        "a range cannot end with a set",
		"[[.x.]]":                       "[. in brackets is not supported",
		"[:alpha:]":                     "put the : elsewhere",
		"[é]":                           "nginx compares bytes",
		`(a)\2`:                         `\2 refers to a group that is not there`,
		`\x{100}`:                       `\x takes two hexadecimal digits`,
		`\p{Greek}`:                     "is no category",
		`a\`:                            `nothing after the last \`,
		"(?<name>a)":                    "names for groups are not supported",
		"(?P<name>a)":                   "names for groups are not supported",
		"(?'name'a)":                    "names for groups are not supported",
		"(?<=a)b":                       "looking behind is not supported",
		"(?#x)":                         "is not supported",
		"(?x)a # b":                     "is not supported",
		"(*UTF)a":                       "verbs are not supported",
		`\Qa.b`:                         `\Q is not supported`,
		`\Ka`:                           `\K is not supported`,
		"(?R)":                          "is not supported",
		"":                              "it is empty",
		strings.Repeat("a", 1025):       "1025 characters are more than 1024",
		strings.Repeat("(", 60) + "a":   "nested more than 50 deep",
		strings.Repeat("(?:a", 10) + "": `missing ")"`,
	}
	for expression, want := range tests {
		if got := regexFault(expression); !strings.Contains(got, want) {
			t.Errorf("%.40s: %q, want %q", expression, got, want)
		}
	}
}

// The parser has to end, and to stay within the text, whatever it is given.
func FuzzRegexFault(f *testing.F) {
	for _, seed := range []string{"(^/api", `[\x{`, `\p{`, "a{1", "(?i", "[[:", `\`, "(?<", "[a-", "[.x.]"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, expression string) {
		fault := regexFault(expression)
		if again := regexFault(expression); again != fault {
			t.Errorf("%q, then %q", fault, again)
		}
		if fault == "" && strings.Count(expression, "(") == 0 && strings.Contains(expression, ")") && !strings.ContainsAny(expression, `\[`) {
			t.Errorf("%q closes a group that is not open", expression)
		}
	})
}
