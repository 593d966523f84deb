//go:build tools

// Package tools keeps helm-unittest among the requirements of go.mod.
package tools

import _ "github.com/helm-unittest/helm-unittest/cmd/helm-unittest"
