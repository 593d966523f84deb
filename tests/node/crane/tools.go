//go:build tools

// Package tools keeps crane among the requirements of go.mod.
package tools

import _ "github.com/google/go-containerregistry/cmd/crane"
