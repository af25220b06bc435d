package dataplane

import (
	"fmt"
	"net"
)

// ListenPacket opens a socket for a backend that is sent datagrams.
func (d *DataPlane) ListenPacket(address string, port uint16) (net.PacketConn, error) {
	var c net.PacketConn
	err := d.namespace.do(func() (err error) {
		c, err = net.ListenPacket("udp", net.JoinHostPort(address, fmt.Sprint(port)))
		return err
	})
	return c, err
}

// DialUDP returns a socket that sends datagrams to the port.
func (d *DataPlane) DialUDP(address string, port int) (net.Conn, error) {
	var c net.Conn
	err := d.namespace.do(func() (err error) {
		c, err = net.Dial("udp", net.JoinHostPort(address, fmt.Sprint(port)))
		return err
	})
	return c, err
}
