//go:build tools

// Package tools keeps kube-router among the requirements of go.mod.
package tools

import _ "github.com/cloudnativelabs/kube-router/v2/cmd/kube-router"
