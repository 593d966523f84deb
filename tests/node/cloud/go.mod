// What stands for Azure's front doors. It needs nothing but Go.
module speech-operator/tests/node/cloud

go 1.25.0
