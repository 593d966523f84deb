// helm-unittest as the tests of deploy/chart run it, as a Go module with pinned sums. ../install.sh reads the version from here.
module speech-operator/tests/chart/helm-unittest

go 1.26.0

require github.com/helm-unittest/helm-unittest v1.1.2

// The replacement of its own go.mod.
replace github.com/vmware-labs/yaml-jsonpath v0.3.2 => github.com/helm-unittest/yaml-jsonpath v0.4.0
