//go:build tools

// Package tools keeps kube-score among the requirements of go.mod.
package tools

import _ "github.com/zegl/kube-score/cmd/kube-score"
