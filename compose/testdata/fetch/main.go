// Command fetch gets a URL over TLS and trusts the certificates of SSL_CERT_FILE alone. Tests run it in builds.
package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	response, err := http.Get(os.Args[1])
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	response.Body.Close()
	fmt.Println(response.Status)
}
