package pki_test

import (
	"crypto/x509"
	"testing"
	"time"

	"github.com/gatewright/gatewright/operator/pki"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func authority(t *testing.T) *pki.Authority {
	t.Helper()
	a, err := pki.NewAuthority("test", noon)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func request() pki.Request {
	return pki.Request{DNSNames: []string{"a.example"}, Usage: x509.ExtKeyUsageServerAuth, Now: noon, Validity: 300 * time.Hour}
}

func TestACertificateIsGoodForWhatItWasIssuedForAndNothingElse(t *testing.T) {
	t.Parallel()
	a := authority(t)
	pair, err := a.Issue(request())
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		by     *pki.Authority
		change func(*pki.Request)
		good   bool
	}{
		"as issued":                     {by: a, change: func(*pki.Request) {}, good: true},
		"for another name":              {by: a, change: func(r *pki.Request) { r.DNSNames = []string{"b.example"} }},
		"for one more name":             {by: a, change: func(r *pki.Request) { r.DNSNames = append(r.DNSNames, "b.example") }},
		"as a client":                   {by: a, change: func(r *pki.Request) { r.Usage = x509.ExtKeyUsageClientAuth }},
		"after it ended":                {by: a, change: func(r *pki.Request) { r.Now = noon.Add(301 * time.Hour) }},
		"on a clock that lags a little": {by: a, change: func(r *pki.Request) { r.Now = noon.Add(-time.Minute) }, good: true},
		"by another authority":          {by: authority(t), change: func(*pki.Request) {}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := request()
			test.change(&r)
			if _, err := test.by.Check(pair, r); (err == nil) != test.good {
				t.Errorf("check: %v, want good: %v", err, test.good)
			}
		})
	}
}

func TestACertificateIsRenewedTwoThirdsThrough(t *testing.T) {
	t.Parallel()
	a := authority(t)
	pair, err := a.Issue(request())
	if err != nil {
		t.Fatal(err)
	}
	renew, err := a.Check(pair, request())
	if err != nil {
		t.Fatal(err)
	}
	if early, late := noon.Add(199*time.Hour), noon.Add(201*time.Hour); renew.Before(early) || renew.After(late) {
		t.Errorf("renewed at %s, want about 200 h after %s", renew, noon)
	}
}

func TestAnAuthoritySurvivesItsPEM(t *testing.T) {
	t.Parallel()
	a := authority(t)
	again, err := pki.ParseAuthority(a.Pair())
	if err != nil {
		t.Fatal(err)
	}
	pair, err := again.Issue(request())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Check(pair, request()); err != nil {
		t.Error(err)
	}
}

func TestALeafIsNoAuthority(t *testing.T) {
	t.Parallel()
	pair, err := authority(t).Issue(request())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pki.ParseAuthority(pair); err == nil {
		t.Error("a leaf was taken for an authority")
	}
}
