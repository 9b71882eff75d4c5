module github.com/prdn/pigato/bindings-c/go

go 1.23
