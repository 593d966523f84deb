// helm as the tests of deploy/chart run it, as a Go module with pinned sums. ../install.sh reads the version from here.
module speech-operator/tests/chart/helm

go 1.26.0

require helm.sh/helm/v4 v4.3.2
