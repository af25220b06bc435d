package token

import (
	"strconv"
	"strings"
)

// Variable is a variable of nginx's.
type Variable struct{ text }

// The variables that configuration is made of.
var (
	Args          = variable("args")
	IsArgs        = variable("is_args")
	IsRequestPort = variable("is_request_port")
	RemoteAddr    = variable("remote_addr")
	RequestHost   = variable("host")
	RequestMethod = variable("request_method")
	RequestPort   = variable("request_port")
	RequestURI    = variable("request_uri")
	RequestOrigin = variable("http_origin")
	Scheme        = variable("scheme")
	ServerPort    = variable("server_port")
	URI           = variable("uri")
	// ListenerPort is the port that the client connected to, where ServerPort may
	// be that of a server behind another one.
	ListenerPort = variable("gw_listener_port")

	// Upgrade is "websocket" where the client asks for nothing but that.
	Upgrade = variable("gw_upgrade")
	// Connection is the Connection header that goes with Upgrade.
	Connection = variable("gw_connection")
	// Copied is "1" for requests that can be copied to other backends.
	Copied = variable("gw_copied")
	// WantedMethod and WantedHeaders are what a browser asks for beforehand
	// (Fetch, CORS-preflight request).
	WantedMethod  = variable("http_access_control_request_method")
	WantedHeaders = variable("http_access_control_request_headers")
	// CORSCredentials and the others are what goes into the headers of that
	// name, empty for web sites that are not let in.
	CORSCredentials = variable("gw_cors_credentials")
	CORSExpose      = variable("gw_cors_expose")
	CORSHeaders     = variable("gw_cors_headers")
	CORSMaxAge      = variable("gw_cors_max_age")
	CORSMethods     = variable("gw_cors_methods")
	// Key joins what a choice compares.
	Key = variable("gw_key")
	// Base is the path that replaces a prefix, Rest what follows the prefix.
	Base = variable("gw_base")
	Rest = variable("gw_rest")
)

func variable(name string) Variable { return Variable{text{"$" + name}} }

// RequestHeader is the variable with a header of the request, empty where it
// is absent. It refuses names that nginx cannot address.
func RequestHeader(name string) (Variable, bool) {
	if _, ok := NewHeader(name); !ok {
		return Variable{}, false
	}
	return variable("http_" + strings.ReplaceAll(strings.ToLower(name), "-", "_")), true
}

// QueryParameter is the variable with the n-th query parameter that matches
// look at.
func QueryParameter(n int) Variable { return variable("gw_query_" + strconv.Itoa(n)) }

// ForeignOrigin is the variable that tells requests for a websocket from web
// sites that are not in the n-th list.
func ForeignOrigin(n int) Variable { return variable("gw_foreign_origin_" + strconv.Itoa(n)) }

// AllowedOrigin is the variable with the request's Origin where that is in the
// n-th list of CORS.
func AllowedOrigin(n int) Variable { return variable("gw_allowed_origin_" + strconv.Itoa(n)) }

// Sample is the variable that is set for the n-th share of requests.
func Sample(n int) Variable { return variable("gw_sample_" + strconv.Itoa(n)) }

// ServerNameListener is the variable with the listener of a port that the
// TLS handshake chose.
func ServerNameListener(port int32) Variable {
	return variable("gw_listener_" + strconv.FormatInt(int64(port), 10))
}

// Value is text in quotes, for directives that expand variables.
type Value struct{ quoted }

// Part is a piece of a Value: a text or a variable.
type Part struct {
	text     string
	variable string
	ok       bool
}

// Text is a part that stands for itself, dollar signs included.
func Text(s string) Part {
	return Part{text: strings.ReplaceAll(escape(s), "$", "${gw_dollar}"), ok: !hasControl(s)}
}

// Of is a part that stands for the content of a variable.
func Of(v Variable) Part {
	return Part{variable: strings.TrimPrefix(v.s, "$"), ok: v.s != ""}
}

// Newline is a part that no header, method or request line can contain.
func Newline() Part { return Part{text: `\n`, ok: true} }

// NewValue joins parts. It refuses control characters in texts.
func NewValue(parts ...Part) (Value, bool) {
	bare, full := "", ""
	onlyVariables := true
	for _, p := range parts {
		if !p.ok {
			return Value{}, false
		}
		if p.variable == "" {
			onlyVariables = false
			full += p.text
			continue
		}
		bare += "$" + p.variable
		full += "${" + p.variable + "}"
	}
	switch {
	case len(full)+2 > maxLength:
		return Value{}, false
	case onlyVariables && len(parts) > 0:
		return Value{quoted{bare}}, true
	}
	return Value{quoted{`"` + full + `"`}}, true
}

// quote returns the text in double quotes; nothing where it has control
// characters or is too long.
func quote(s string) (string, bool) {
	q := `"` + escape(s) + `"`
	if hasControl(s) || len(q) > maxLength {
		return "", false
	}
	return q, true
}

var escaper = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

func escape(s string) string { return escaper.Replace(s) }

// hasControl finds what no token may hold: control characters end lines and
// strings somewhere on the way, in nginx or in HTTP.
func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f })
}
