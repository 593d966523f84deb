// helm-docs as the tests of deploy/chart run it, as a Go module with pinned sums. ../install.sh reads the version from here.
module speech-operator/tests/chart/helm-docs

go 1.25.0

require github.com/norwoodj/helm-docs v1.14.2
