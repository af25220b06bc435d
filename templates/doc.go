// Package templates holds the nginx configuration's text, one template for each
// block. Templates print, Go decides: what they are given is ready to print and
// safe where it stands.
//
// A newline at the end of a file is not part of its template. Blocks inside a
// list begin with a newline, so that an empty list leaves no empty line.
//
// In: nothing. Out: an embedded file system. It must not know what is printed.
package templates

import "embed"

// FS has the templates at its top: main.tmpl is nginx.conf, upstreams.tmpl and
// servers.tmpl are the files that it includes, the others are blocks.
//
//go:embed *.tmpl
var FS embed.FS
