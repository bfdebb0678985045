module satway-bench/go-proxy

go 1.22
