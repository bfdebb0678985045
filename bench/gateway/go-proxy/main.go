// A reverse proxy on httputil.ReverseProxy, the engine of Aperture, with enough idle connections to
// the upstream that it does not open one for each request.
package main

import (
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"time"
)

func main() {
	upstream, err := url.Parse(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(upstream)
	proxy.FlushInterval = -1
	proxy.Transport = &http.Transport{
		MaxIdleConns:        20000,
		MaxIdleConnsPerHost: 20000,
		IdleConnTimeout:     90 * time.Second,
		DisableCompression:  true,
	}
	server := &http.Server{Addr: os.Args[1], Handler: proxy}
	log.Fatal(server.ListenAndServe())
}
