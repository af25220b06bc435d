package agent

import (
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/gatewright/gatewright/compiler/bundle"
)

// refusal is why a bundle is not applied, in words for its author.
type refusal struct{ message string }

func (r *refusal) Error() string { return r.message }

func refuse(format string, arguments ...any) error {
	return &refusal{fmt.Sprintf(format, arguments...)}
}

const (
	mainFile       = "nginx.conf"
	generationFile = "generation.conf"
	socketZoneFile = "websockets.conf"
	// maxPath is far below what a file system takes, so that temporary names fit.
	maxPath = 200
)

var (
	pathElement = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]*$`)
	upstreamID  = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$`)
)

// validate checks all that must hold before anything of a bundle is written.
func validate(b bundle.Bundle) error {
	if !slices.ContainsFunc(b.Files, func(f bundle.File) bool { return f.Path == mainFile }) {
		return refuse("the bundle has no %s", mainFile)
	}
	if err := validateFiles(b.Files, validateFile); err != nil {
		return err
	}
	if err := validateFiles(b.Certificates, validateCertificate); err != nil {
		return err
	}
	return validateUpstreams(b.Upstreams)
}

func validateFiles(files []bundle.File, check func(bundle.File) error) error {
	seen := map[string]bool{}
	for _, f := range files {
		if err := validatePath(f.Path); err != nil {
			return err
		}
		if seen[f.Path] {
			return refuse("file %q occurs twice", f.Path)
		}
		seen[f.Path] = true
		if err := check(f); err != nil {
			return err
		}
	}
	return nil
}

// validatePath refuses all but plain relative paths of plain names, so that no
// file lands outside of the bundle's directory or hides in it.
func validatePath(p string) error {
	if p == "" || len(p) > maxPath || path.Clean(p) != p || path.IsAbs(p) {
		return refuse("file path %q is not a clean relative path", p)
	}
	for element := range strings.SplitSeq(p, "/") {
		if !pathElement.MatchString(element) {
			return refuse("file path %q has an element that is no plain name", p)
		}
	}
	return nil
}

func validateFile(f bundle.File) error {
	dir, name := path.Split(f.Path)
	switch {
	case f.Path == generationFile, f.Path == socketZoneFile:
		return refuse("file %q is the agent's own", f.Path)
	case path.Ext(name) == ".conf":
		return nil
	case dir == "ca/" && path.Ext(name) == ".pem":
		return validateCA(f)
	}
	return refuse("file %q is neither *.conf nor ca/*.pem", f.Path)
}

// validateCA makes sure that a private key never lands where only public
// certificates belong.
func validateCA(f bundle.File) error {
	rest, blocks := f.Data, 0
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return refuse("CA file %q has a PEM block %q, and may have certificates only", f.Path, block.Type)
		}
		blocks++
	}
	if blocks == 0 {
		return refuse("CA file %q has no certificate", f.Path)
	}
	return nil
}

// validateCertificate checks that chain and key are a pair: nginx would read a
// bad file at the next handshake and fail that host, with no way back.
func validateCertificate(f bundle.File) error {
	dir, name := path.Split(f.Path)
	if dir != "certs/" || path.Ext(name) != ".pem" {
		return refuse("certificate file %q is not certs/*.pem", f.Path)
	}
	if _, err := tls.X509KeyPair(f.Data, f.Data); err != nil {
		return refuse("certificate file %q: %s", f.Path, err)
	}
	return nil
}

func validateUpstreams(upstreams []bundle.Upstream) error {
	seen := map[string]bool{}
	for _, u := range upstreams {
		if !upstreamID.MatchString(u.ID) {
			return refuse("upstream ID %q is not a lower-case DNS label", u.ID)
		}
		if seen[u.ID] {
			return refuse("upstream %q occurs twice", u.ID)
		}
		seen[u.ID] = true
		for _, e := range u.Endpoints {
			if a, err := netip.ParseAddr(e.Address); err != nil || a.Zone() != "" {
				return refuse("upstream %q: %q is not an IP address", u.ID, e.Address)
			}
			if e.Port == 0 {
				return refuse("upstream %q: endpoint %s has no port", u.ID, e.Address)
			}
		}
	}
	return nil
}
