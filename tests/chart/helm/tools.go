//go:build tools

// Package tools keeps helm among the requirements of go.mod.
package tools

import _ "helm.sh/helm/v4/cmd/helm"
