#!/bin/sh
# Generates src/ffi.rs from the header of the libzmq that build.rs compiles. Run it by hand when that
# version changes; the build does not need it.
#
#   cargo install bindgen-cli --version 0.72.1 --locked     (needs libclang)
#   ./generate.sh path/to/zeromq-src-0.3.6+4.3.5/vendor/include/zmq.h
set -eu

header=${1:?usage: generate.sh path/to/zmq.h}
wanted='bindgen 0.72.1'
[ "$(bindgen --version)" = "$wanted" ] || { echo "needs $wanted" >&2; exit 1; }
grep -q '#define ZMQ_VERSION_PATCH 5' "$header" || { echo "needs the header of libzmq 4.3.5" >&2; exit 1; }

cd "$(dirname "$0")"

# zmq_fd_t is an integer here and a handle on Windows, see lib.rs; iovec differs between systems and is
# not used.
bindgen "$header" \
    --rust-target 1.82 --rust-edition 2021 \
    --allowlist-function 'zmq_.*' --allowlist-type 'zmq_.*' --allowlist-var 'ZMQ_.*' \
    --blocklist-type 'zmq_fd_t' --blocklist-type 'iovec' --blocklist-function 'zmq_(send|recv)iov' \
    --raw-line 'use crate::zmq_fd_t;' \
    --with-derive-default --no-layout-tests --no-doc-comments --merge-extern-blocks \
    --disable-header-comment \
    --output src/ffi.rs
