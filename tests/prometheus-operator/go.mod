// The definitions of PrometheusRule and ServiceMonitor that the tests of deploy/monitoring use, as a Go module with pinned
// sums. install.sh reads the version from here.
module speech-operator/tests/prometheus-operator

go 1.25.0

require github.com/prometheus-operator/prometheus-operator v0.85.0
