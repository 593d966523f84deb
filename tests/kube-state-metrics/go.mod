// The kube-state-metrics that the tests of deploy/monitoring run, as a Go module with pinned sums.
// install.sh reads the version from here.
module speech-operator/tests/kube-state-metrics

go 1.25.0

require k8s.io/kube-state-metrics/v2 v2.18.0
