#!/usr/bin/env bash
# Runs make targets in a Debian 12 root that contains nothing but the minimal system, make, git, CA
# certificates and this machine's Rust toolchain, so that a target cannot pass because of what
# happens to be installed here. Tests the commit HEAD. KEEP=1 keeps the root in target/fresh.
# Usage: fresh.sh [TARGET …]    (demo test, if none is given)
set -euo pipefail

here=$(cd "$(dirname "$0")/../.." && pwd)
fresh=$here/target/fresh
suite=bookworm
path=/opt/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
go_names='GOPROXY|GONOPROXY|GOSUMDB|GONOSUMDB|GOPRIVATE|GOINSECURE'

# Inside the namespaces: mount and run the target. The kernel unmounts when the last process ends.
if [ "${1:-}" = --inside ]; then
  root=$2 toolchain=$3
  shift 3
  mount -t proc proc "$root/proc"
  mount --rbind /dev "$root/dev"
  mount --rbind /sys "$root/sys"
  mount --bind "$toolchain" "$root/opt/rust"
  mount -o remount,bind,ro "$root/opt/rust"
  exec chroot "$root" /usr/bin/env -i --default-signal --chdir=/root/pigato \
    HOME=/root TERM="${TERM:-dumb}" PATH=$path "$@"
fi

fail() { # line …
  printf 'fresh: %s\n' "$@" >&2
  exit 1
}

say() {
  printf 'fresh: %s %s\n' "$(date +%H:%M:%S)" "$*"
}

[ "$(uname -s)" = Linux ] && command -v apt-get >/dev/null ||
  fail "this target needs Debian or Ubuntu: mmdebstrap makes the root with apt-get."
[ "$(id -u)" -eq 0 ] || fail "this target needs root, for chroot and mounts." \
  "Run 'sudo --preserve-env env PATH=\"\$PATH\" make fresh'."
unshare --mount --pid --fork true 2>/dev/null ||
  fail "this machine does not allow new mount and PID namespaces (is it a container?)."
toolchain=$(rustc --print sysroot 2>/dev/null) || true
[ -x "$toolchain/bin/cargo" ] && [ "$toolchain" != /usr ] ||
  fail "no Rust toolchain in a folder of its own: install one from https://rustup.rs."

[ "$#" -gt 0 ] || set -- demo test

child=
end() {
  # unshare ends its process, which is process 1 of the namespace: the kernel ends all the others.
  [ -z "$child" ] || { kill -KILL "$child" 2>/dev/null && wait "$child" 2>/dev/null; } || true
  if [ "${KEEP:-}" = 1 ]; then
    say "the root is kept in $fresh/root"
  elif grep -q " $fresh/" /proc/self/mounts; then
    say "something is still mounted below $fresh, so it is not removed"
  else
    rm -rf --one-file-system "$fresh"
  fi
}

# In the background, because bash runs a trap only after a foreground command has ended.
in_namespaces() { # command …
  local status=0
  unshare --mount --mount-proc --pid --ipc --fork --kill-child "$@" </dev/null &
  child=$!
  wait "$child" || status=$?
  child=
  return "$status"
}

# Copies how this machine reaches its package registries: proxies, mirrors, certificates. Credentials
# and the rest of its configuration stay behind.
copy_registries() { # root
  local root=$1 file
  cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
  for file in /usr/local/share/ca-certificates/*.crt; do
    [ ! -e "$file" ] || cp "$file" "$root/usr/local/share/ca-certificates/"
  done
  chroot "$root" update-ca-certificates >/dev/null 2>&1
  for file in "${SSL_CERT_FILE:-}" "${NODE_EXTRA_CA_CERTS:-}" "${CURL_CA_BUNDLE:-}"; do
    [ ! -f "$file" ] || [ -e "$root$file" ] || install -D -m 644 "$file" "$root$file"
  done

  mkdir -p "$root/root/.cargo" "$root/root/.config/go"
  for file in config config.toml; do
    [ ! -e "$cargo_home/$file" ] || cp "$cargo_home/$file" "$root/root/.cargo/"
  done
  cat /etc/npmrc /usr/etc/npmrc "$HOME/.npmrc" 2>/dev/null |
    grep -E '^(@[^ ]*:)?registry|^(https?-)?proxy|^noproxy|^cafile|^strict-ssl' \
      >"$root/root/.npmrc" || true
  grep -hE "^($go_names)=" "$HOME/.config/go/env" 2>/dev/null \
    >"$root/root/.config/go/env" || true
}

# Prints the environment variables for the same purpose, as NAME=VALUE lines.
registry_variables() {
  local names='(https?|no|all)_proxy'
  names+="|$go_names|CARGO_(SOURCE|HTTP|NET)_[A-Z_]+|CARGO_REGISTR[A-Z_]+_(INDEX|DEFAULT|PROTOCOL)"
  names+='|npm_config_(registry|proxy|https_proxy|noproxy|cafile)'
  names+='|SSL_CERT_(FILE|DIR)|NODE_EXTRA_CA_CERTS|CURL_CA_BUNDLE'
  env | grep -iE "^($names)=" || true
}

"$here/core/scripts/setup.sh" build fresh
cargo_home=${CARGO_HOME:-$HOME/.cargo}
mapfile -t variables < <(registry_variables)
commit=$(git -C "$here" rev-parse HEAD)
[ -z "$(git -C "$here" status --porcelain)" ] ||
  say "there are uncommitted changes: they are not tested, HEAD is"
if [ -e "$fresh" ]; then
  fail "$fresh exists, from a run with KEEP=1 or one that is still going on." \
    "Remove it with 'rm -rf --one-file-system $fresh', then try again."
fi

trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
mkdir -p "$fresh"
chmod 700 "$fresh"

say "making a minimal Debian root ($suite) in $fresh/root"
mirror=$(apt-get indextargets --format '$(REPO_URI)' "Codename: $suite" "Origin: Debian" |
  head -n 1)
apt-config dump | grep -E '^Acquire::(http|https|ftp|Retries|Check-)' >"$fresh/apt.conf" || true
in_namespaces mmdebstrap --quiet --variant=minbase --include=make,git,ca-certificates \
  --aptopt="$fresh/apt.conf" "$suite" "$fresh/root" ${mirror:+"$mirror"} ||
  fail "mmdebstrap failed: see the error above."
copy_registries "$fresh/root"
mkdir -p "$fresh/root/opt/rust"
git clone --quiet --no-hardlinks "$here" "$fresh/root/root/pigato"
git -C "$fresh/root/root/pigato" checkout --quiet --detach "$commit"
size=$(du -sh --one-file-system "$fresh/root" | cut -f 1)
say "the root is ready: $size, $("$toolchain/bin/rustc" --version)"

failed=0
for target in "$@"; do
  say "make $target"
  started=$SECONDS
  status=0
  in_namespaces "$0" --inside "$fresh/root" "$toolchain" "${variables[@]}" make "$target" ||
    status=$?
  took="$(((SECONDS - started) / 60)) min $(((SECONDS - started) % 60)) s"
  if [ "$status" -eq 0 ]; then
    say "make $target passed after $took"
  else
    say "make $target failed with status $status after $took"
    failed=$status
    break
  fi
done
exit "$failed"
