// kube-score as the tests of deploy/chart run it, as a Go module with pinned sums. ../install.sh reads the version from here.
module speech-operator/tests/chart/kube-score

go 1.25.0

require github.com/zegl/kube-score v1.20.0
