package acme

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/miekg/dns"

	"github.com/gatewright/gatewright/test/cluster"
	"github.com/gatewright/gatewright/test/cluster/apt"
	"github.com/gatewright/gatewright/test/cluster/topology"
)

// updateKey is the name of the TSIG key (RFC 8945) for dynamic updates.
const updateKey = "cert-manager"

// clockSkew is how far a signed update may be off, in seconds.
const clockSkew = 300

var nameServer = net.JoinHostPort(topology.LANHostIP, "53")

func (a *Authority) startNameServer(ctx context.Context) error {
	if err := apt.Install(ctx, a.options.Log, apt.Knot); err != nil {
		return err
	}
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return fmt.Errorf("make the key for updates: %w", err)
	}
	a.secret = encode(secret)
	for _, name := range []string{"knot.conf", "zone"} {
		content, err := a.render(name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(a.dir, name), []byte(content), 0o600); err != nil {
			return fmt.Errorf("configure it: %w", err)
		}
	}
	return a.run(ctx, "knot", nameServer, apt.Knot.File, "--config", filepath.Join(a.dir, "knot.conf"))
}

// Point gives a name in Zone one address, in place of what it had.
func (a *Authority) Point(ctx context.Context, name, address string) error {
	record, err := dns.NewRR(fmt.Sprintf("%s 5 IN A %s", dns.Fqdn(name), address))
	if err != nil {
		return fmt.Errorf("point %s to %s: %w", name, address, err)
	}
	update := new(dns.Msg)
	update.SetUpdate(dns.Fqdn(Zone))
	update.RemoveRRset([]dns.RR{record})
	update.Insert([]dns.RR{record})
	update.SetTsig(dns.Fqdn(updateKey), dns.HmacSHA256, clockSkew, time.Now().Unix())
	if err := a.update(ctx, update); err != nil {
		return fmt.Errorf("point %s to %s: %w", name, address, err)
	}
	return nil
}

func (a *Authority) update(ctx context.Context, update *dns.Msg) error {
	conn, err := a.lab.Cluster.Network(cluster.LANHost).DialContext(ctx, "tcp", nameServer)
	if err != nil {
		return err
	}
	defer conn.Close()
	secrets := map[string]string{dns.Fqdn(updateKey): a.secret}
	client := dns.Client{Net: "tcp", TsigSecret: secrets}
	answer, _, err := client.ExchangeWithConnContext(ctx, update, &dns.Conn{Conn: conn, TsigSecret: secrets})
	if err != nil {
		return err
	}
	if answer.Rcode != dns.RcodeSuccess {
		return fmt.Errorf("the name server says %s", dns.RcodeToString[answer.Rcode])
	}
	return nil
}

func encode(content []byte) string { return base64.StdEncoding.EncodeToString(content) }
