//go:build tools

// Package tools keeps the program among the requirements of go.mod.
package tools

import _ "github.com/argoproj/argo-cd/v3/cmd"
