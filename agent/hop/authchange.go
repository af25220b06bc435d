package hop

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// lets tells whether the request is let in: by a status of OK, or by an
// ok_response without a status, which is OK by default. An answer without either
// says nothing, and one with a denied_response as well contradicts itself.
func (v *verdict) lets() bool {
	return v.code == 0 && (v.ok.given || v.hasStatus) && !v.denied.given
}

var errNothingSaid = errors.New("the authorization server's answer says neither yes nor no")

// check finds what cannot be done as the server says. A request is not let in on
// conditions that are not met.
func (v *verdict) check() error {
	if !v.hasStatus && !v.ok.given && !v.denied.given {
		return errNothingSaid
	}
	if d := &v.denied; d.given {
		if d.status == 0 {
			d.status = http.StatusForbidden
		}
		if d.status < http.StatusOK || d.status > 599 {
			return fmt.Errorf("the authorization server answers with status %d, which is none", d.status)
		}
	}
	for _, o := range slices.Concat(v.denied.headers, v.ok.request, v.ok.response) {
		if err := o.check(); err != nil {
			return err
		}
	}
	for _, o := range slices.Concat(v.ok.request, v.ok.response) {
		if slices.Contains(framing, strings.ToLower(o.name)) {
			return fmt.Errorf("the authorization server changes header %q, which cannot be", o.name)
		}
	}
	return nil
}

// appendAction is HeaderValueOption.HeaderAppendAction.
type appendAction int32

const (
	appendOrAdd          appendAction = 0
	addIfAbsent          appendAction = 1
	overwriteOrAdd       appendAction = 2
	overwriteOnlyPresent appendAction = 3
)

func (o *headerOption) check() error {
	switch {
	case !fieldName.MatchString(o.name):
		return fmt.Errorf("the authorization server names a header %q, which is none", o.name)
	case o.value != "" && len(o.raw) > 0:
		return fmt.Errorf("the authorization server gives header %q two values", o.name)
	case strings.ContainsFunc(o.text(), func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
		return fmt.Errorf("the authorization server gives header %q a value that is none", o.name)
	case o.action < appendOrAdd || o.action > overwriteOnlyPresent:
		return fmt.Errorf("the authorization server does to header %q what is not known (%d)", o.name, o.action)
	}
	return nil
}

func (o *headerOption) text() string {
	if len(o.raw) > 0 {
		return string(o.raw)
	}
	return o.value
}

// apply changes the headers; if the server does not say how, byDefault.
// The older of the two fields counts, where it is set, as in Envoy.
func (o *headerOption) apply(h http.Header, byDefault appendAction) {
	action := o.action
	switch {
	case o.hasAppend && o.append:
		action = appendOrAdd
	case o.hasAppend:
		action = overwriteOrAdd
	case action == appendOrAdd:
		action = byDefault
	}
	_, present := h[http.CanonicalHeaderKey(o.name)]
	switch {
	case action == appendOrAdd, action == addIfAbsent && !present:
		h.Add(o.name, o.text())
	case action == overwriteOrAdd, action == overwriteOnlyPresent && present:
		h.Set(o.name, o.text())
	}
}

// applyToNothing does so for an answer that has no headers but the server's: to
// override those that there are is to add, so that Set-Cookie may occur twice.
func (o *headerOption) applyToNothing(h http.Header) {
	alone := *o
	alone.hasAppend = false
	alone.apply(h, appendOrAdd)
}

// grant writes what the server said into the headers for the backend. A header
// replaces what the client wrote, unless the server says otherwise: it cannot say
// that explicitly by append_action, of which appending is the zero
// (OkHttpResponse.headers: "append defaults to false").
func (a *acceptance) grant(h http.Header) {
	for _, o := range a.request {
		o.apply(h, overwriteOrAdd)
	}
	for _, name := range a.remove {
		// Host and what begins with a colon cannot be removed, and are not here.
		h.Del(name)
	}
}

// changeQuery returns the request's target with the server's parameters. What else
// is in the query stays as it is, byte by byte.
func (a *acceptance) changeQuery(target string) string {
	if len(a.set)+len(a.unset) == 0 {
		return target
	}
	path, query, _ := strings.Cut(target, "?")
	var kept []string
	for part := range strings.SplitSeq(query, "&") {
		if part == "" {
			continue
		}
		key, _, _ := strings.Cut(part, "=")
		key = decodeQuery(key)
		if !slices.ContainsFunc(a.set, func(p parameter) bool { return decodeQuery(encodeQuery(p.key, true)) == key }) {
			kept = append(kept, part)
		}
	}
	for i, p := range a.set {
		if !slices.ContainsFunc(a.set[i+1:], func(later parameter) bool { return later.key == p.key }) {
			kept = append(kept, encodeQuery(p.key, true)+"="+encodeQuery(p.value, false))
		}
	}
	kept = slices.DeleteFunc(kept, func(part string) bool {
		key, _, _ := strings.Cut(part, "=")
		return slices.ContainsFunc(a.unset, func(name string) bool { return decodeQuery(encodeQuery(name, true)) == decodeQuery(key) })
	})
	if len(kept) == 0 {
		return path
	}
	return path + "?" + strings.Join(kept, "&")
}

func decodeQuery(s string) string {
	if decoded, err := url.QueryUnescape(s); err == nil {
		return decoded
	}
	return s
}

// encodeQuery encodes what cannot be in a query as it is. What is encoded stays so:
// Envoy writes the server's text as it is.
func encodeQuery(s string, key bool) string {
	var out strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]), c == '=' && !key,
			c > ' ' && c < 0x7f && !strings.ContainsRune(`%&#="<>\^`+"`{|}", rune(c)):
			out.WriteByte(c)
		default:
			fmt.Fprintf(&out, "%%%02X", c)
		}
	}
	return out.String()
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}
