//go:build tools

// Package tools keeps the judge of krew among the requirements of go.mod.
package tools

import _ "sigs.k8s.io/krew/cmd/validate-krew-manifest"
