//go:build programs

// Package programs names what the network on loopback runs, so that `go mod tidy` keeps it.
package programs

import (
	_ "github.com/btcsuite/btcd"
	_ "github.com/lightningnetwork/lnd/cmd/lnd"
)
