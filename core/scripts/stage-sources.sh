#!/usr/bin/env bash
# Copies what a crate of this workspace is built from into a folder that is a workspace of its own: for packages in other
# languages that build from source. The folder gets the crate, the crates of this repository that it needs, a Cargo.toml
# and a Cargo.lock; what only tests need stays behind. Usage: stage-sources.sh FOLDER CRATE
set -eu

folder=$1
crate=$2
root=$(cd "$(dirname "$0")/../.." && pwd)
cargo=${CARGO:-cargo}

# Tests, benchmarks and examples are not copied, so manifests must not name them.
without_tests() {
  awk '/^\[/ { is_out = /^\[(target\.[^]]*\.)?(dev-dependencies|\[(test|bench|example)\])/ } !is_out' "$1"
}

# The workspace's manifest with these members; profiles of crates that are not among them would be warned about.
workspace_manifest() { # member paths, crate names
  awk -v members="$1" -v names="$2" '
    /^\[/ {
      is_out = 0
      if (match($0, /\.package\.[a-z-]+\]$/)) {
        name = substr($0, RSTART + 9, RLENGTH - 10)
        is_out = index(names, " " name " ") == 0
      }
    }
    is_out || /^default-members/ { next }
    /^members/ { print "members = [" members "]"; next }
    { print }' "$root/Cargo.toml"
}

# "NAME vVERSION (FOLDER)" for each crate of this repository, the patched ones too.
crates=$("$cargo" tree --locked --offline --manifest-path "$root/Cargo.toml" --package "$crate" --edges normal,build \
  --prefix none --no-dedupe --format '{p}' | sed -n "s|^\([^ ]*\) v[^ ]* .*($root/\(.*\))\$|\1 \2|p" | sort -u)
if [ -z "$crates" ]; then
  echo "$crate is no crate of this workspace" >&2
  exit 1
fi

rm -rf "$folder"
mkdir -p "$folder"
members="" names=" "
while read -r name path; do
  mkdir -p "$folder/$path"
  without_tests "$root/$path/Cargo.toml" >"$folder/$path/Cargo.toml"
  cp -R "$root/$path/src" "$folder/$path/"
  [ ! -f "$root/$path/build.rs" ] || cp "$root/$path/build.rs" "$folder/$path/"
  members="$members\"$path\", "
  names="$names$name "
done <<<"$crates"
workspace_manifest "${members%, }" "$names" >"$folder/Cargo.toml"
cp "$root/LICENSE" "$folder/"
# The same versions, without those that only the left out crates need.
cp "$root/Cargo.lock" "$folder/"
"$cargo" update --workspace --offline --quiet --manifest-path "$folder/Cargo.toml"
