// labsrv is the one program in the lab's pods: a server that says who answered and whom it saw,
// a client that counts such answers, and a process that only waits.
//
//	labsrv serve PORT                            TCP and UDP, both address families
//	labsrv client [flags] IP PORT N [tcp|udp]    N connections, one JSON object on stdout
//	labsrv pause                                 waits and reaps; also the sandbox process of every pod
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := dispatch(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "labsrv:", err)
		os.Exit(2)
	}
}

func dispatch(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("usage: labsrv serve|client|pause")
	}
	switch args[0] {
	case "serve":
		return serve(args[1:])
	case "client":
		return client(args[1:])
	case "pause":
		pause()
		return nil
	}
	return fmt.Errorf("unknown command %q", args[0])
}
