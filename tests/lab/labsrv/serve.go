package main

import (
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
)

// serve answers "HOSTNAME CLIENT-IP\n" to every TCP connection and UDP datagram.
func serve(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("usage: labsrv serve PORT")
	}
	name, err := os.Hostname()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", ":"+args[0])
	if err != nil {
		return err
	}
	packets, err := net.ListenPacket("udp", ":"+args[0])
	if err != nil {
		return err
	}
	go answerConnections(listener, name)
	go answerDatagrams(packets, name)
	fmt.Printf("%s serves port %s\n", name, args[0])

	// Process 1 has no default signal actions: without this a pod needs its whole grace period.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	<-signals
	return nil
}

func answerConnections(listener net.Listener, name string) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			continue
		}
		go func() {
			fmt.Fprintf(connection, "%s %s\n", name, ip(connection.RemoteAddr()))
			connection.Close()
		}()
	}
}

func answerDatagrams(packets net.PacketConn, name string) {
	buffer := make([]byte, 2048)
	for {
		if _, from, err := packets.ReadFrom(buffer); err == nil {
			fmt.Fprintf(replyTo{packets, from}, "%s %s\n", name, ip(from))
		}
	}
}

type replyTo struct {
	packets net.PacketConn
	from    net.Addr
}

func (r replyTo) Write(text []byte) (int, error) { return r.packets.WriteTo(text, r.from) }

func ip(address net.Addr) string {
	host, _, _ := net.SplitHostPort(address.String())
	return host
}
