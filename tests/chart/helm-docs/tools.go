//go:build tools

// Package tools keeps helm-docs among the requirements of go.mod.
package tools

import _ "github.com/norwoodj/helm-docs/cmd/helm-docs"
