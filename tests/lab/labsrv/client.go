package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Connections in flight: enough that a thousand take seconds, few enough that a lost SYN is the
// network's fault and not the server's listen queue's.
const inFlight = 16

type counts struct {
	Answers map[string]int `json:"answers"`
	Errors  map[string]int `json:"errors"`
}

type target struct {
	network, address string
	sourcePort       int
	timeout          time.Duration
}

// client prints its counts whatever happened to the connections; only wrong use is an error.
func client(args []string) error {
	flags := flag.NewFlagSet("client", flag.ContinueOnError)
	timeout := flags.Duration("timeout", 2*time.Second, "for each connection")
	sourcePort := flags.Int("source-port", 0, "fixed local port; connections then run one by one")
	if err := flags.Parse(args); err != nil {
		return err
	}
	rest := flags.Args()
	if len(rest) < 3 || len(rest) > 4 {
		return fmt.Errorf("usage: labsrv client [-timeout 2s] [-source-port N] IP PORT N [tcp|udp]")
	}
	n, err := strconv.Atoi(rest[2])
	if err != nil {
		return err
	}
	where := target{
		network: "tcp", address: net.JoinHostPort(rest[0], rest[1]),
		sourcePort: *sourcePort, timeout: *timeout,
	}
	if len(rest) == 4 {
		where.network = rest[3]
	}
	if where.network != "tcp" && where.network != "udp" {
		return fmt.Errorf("protocol %q is neither tcp nor udp", where.network)
	}
	return json.NewEncoder(os.Stdout).Encode(connectAll(where, n))
}

func connectAll(where target, n int) counts {
	workers := inFlight
	if where.sourcePort != 0 {
		workers = 1
	}
	result := counts{Answers: map[string]int{}, Errors: map[string]int{}}
	jobs := make(chan struct{})
	var lock sync.Mutex
	var group sync.WaitGroup
	for range min(workers, n) {
		group.Go(func() {
			for range jobs {
				answer, err := where.connect()
				lock.Lock()
				if err != nil {
					result.Errors[classify(err)]++
				} else {
					result.Answers[answer]++
				}
				lock.Unlock()
			}
		})
	}
	for range n {
		jobs <- struct{}{}
	}
	close(jobs)
	group.Wait()
	return result
}

var errEmpty = errors.New("empty")

func (t target) connect() (string, error) {
	dialer := net.Dialer{Timeout: t.timeout, LocalAddr: t.local(), Control: reuseAddress}
	connection, err := dialer.Dial(t.network, t.address)
	if err != nil {
		return "", err
	}
	defer connection.Close()
	connection.SetDeadline(time.Now().Add(t.timeout))
	text, err := ask(connection, t.network)
	if err != nil {
		return "", err
	}
	if answer := strings.TrimSpace(string(text)); answer != "" {
		return answer, nil
	}
	return "", errEmpty
}

func ask(connection net.Conn, network string) ([]byte, error) {
	if network == "tcp" {
		return io.ReadAll(connection)
	}
	if _, err := connection.Write([]byte("?")); err != nil {
		return nil, err
	}
	buffer := make([]byte, 2048)
	size, err := connection.Read(buffer)
	return buffer[:size], err
}

func (t target) local() net.Addr {
	switch {
	case t.sourcePort == 0:
		return nil
	case t.network == "udp":
		return &net.UDPAddr{Port: t.sourcePort}
	}
	return &net.TCPAddr{Port: t.sourcePort}
}

// reuseAddress lets one fixed source port be used again at once.
func reuseAddress(_, _ string, raw syscall.RawConn) error {
	return raw.Control(func(fd uintptr) {
		syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
	})
}

func classify(err error) string {
	var timeout net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, syscall.ECONNRESET):
		return "reset"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "unreachable"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	}
	text := err.Error()
	if cut := strings.LastIndex(text, ": "); cut >= 0 {
		return text[cut+2:]
	}
	return text
}
