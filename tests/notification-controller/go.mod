// The notification-controller of Flux whose CustomResourceDefinitions the tests of deploy/flux use, as a Go module with pinned
// sums. install.sh reads the version from here.
module speech-operator/tests/notification-controller

go 1.25.0

require github.com/fluxcd/notification-controller v1.6.0
