//go:build tools

// Package tools keeps cosign among the requirements of go.mod.
package tools

import _ "github.com/sigstore/cosign/v3/cmd/cosign"
