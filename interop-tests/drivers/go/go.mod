module github.com/prdn/pigato/interop-tests/drivers/go

go 1.23

require github.com/prdn/pigato/bindings-c/go v0.0.0

replace github.com/prdn/pigato/bindings-c/go => ../../../bindings-c/go
