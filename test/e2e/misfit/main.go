// Command misfit is an app that goes wrong in the way that MODE says: exit, hang, 500, dies (a second after its first
// good answer), loopback (it listens where nobody else can reach it).
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

func main() {
	mode := os.Getenv("MODE")
	fmt.Println("misfit starts as", mode)
	if mode == "exit" {
		fmt.Println("misfit cannot find its configuration")
		os.Exit(3)
	}
	var once sync.Once
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		switch mode {
		case "hang":
			<-r.Context().Done()
		case "500":
			http.Error(w, "the database is on fire", http.StatusInternalServerError)
		case "dies":
			once.Do(func() {
				time.AfterFunc(time.Second, func() { fmt.Println("misfit gives up"); os.Exit(4) })
			})
		}
	})
	host := ""
	if mode == "loopback" {
		host = "127.0.0.1"
	}
	if err := http.ListenAndServe(net.JoinHostPort(host, os.Getenv("PORT")), nil); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
