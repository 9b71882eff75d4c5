#!/usr/bin/env bash
# Runs the C programs in tests/ and examples/ against build/libpigato.*: plainly, under valgrind, with sanitizers, and
# against an installed copy. A line a step; the first failure ends it and says how to repeat it. Called by `make test`.
set -eu -o pipefail
cd "$(dirname "$0")/.."

make=${MAKE:-make}
profile=${PROFILE:-release}
cc=${CC:-gcc}
cxx=${CXX:-g++}
work=$PWD/build/tests
tests=(misuse requests data streams polling broker fork)
# What is left out, and why. Each is told of in its place.
not_sanitized=" fork "
why_not_sanitized="the sanitizer's own locks stay as they were at the fork, so that a child may hang"
examples=(echo stocks)
# As `pkg-config --static` says; the installed copy is held against pkg-config itself below.
libraries=($(sed -n 's/^Libs.private: //p' pigato.pc.in))
warnings=(-Wall -Wextra -Werror)
c=("$cc" -std=c99 -pedantic "${warnings[@]}" -g -Iinclude)
cpp=("$cxx" -x c++ -std=c++11 "${warnings[@]}" -Iinclude -fsyntax-only)
# More rows than a worker may be ahead of its client, so that it has to wait.
stocks=(examples/stocks.csv 300)

step() { # words, command …
  local words=$1 begun
  shift
  begun=$(date +%s%N)
  if ! "$@" >"$work/step.log" 2>&1; then
    tail -n 60 "$work/step.log"
    printf 'failed: %s\nto repeat, in %s:\n ' "$words" "$PWD"
    # What this script checks by itself cannot be repeated without it.
    declare -F "$1" >/dev/null && set -- env PROFILE="$profile" tests/run.sh
    printf ' %q' "$@"
    printf '\n'
    exit 1
  fi
  printf 'ok  %-58s %6d ms\n' "$words" $((($(date +%s%N) - begun) / 1000000))
}

arguments() { # program: the arguments that it wants
  [ "$1" != stocks ] || printf '%s\n' "${stocks[@]}"
}

source_of() { # program
  case " ${tests[*]} " in
    *" $1 "*) echo "tests/$1.c" ;;
    *) echo "examples/$1.c" ;;
  esac
}

compile_all() { # words, folder, further flags …
  local words=$1 folder=$2 program
  shift 2
  mkdir -p "$work/$folder"
  for program in "${tests[@]}" "${examples[@]}"; do
    step "compile $program, $words" "${c[@]}" "$@" "$(source_of "$program")" build/libpigato.a "${libraries[@]}" \
      -o "$work/$folder/$program"
  done
}

rm -rf "$work"
mkdir -p "$work"

# Every source, and the header alone, in C and in C++.
printf '#include <pigato.h>\n' >"$work/header.c"
step "the header is C99" "${c[@]}" -fsyntax-only "$work/header.c"
step "the header is C++11" "${cpp[@]}" "$work/header.c"
# Run by the benchmark, which compares what it prints; here it only has to be sound.
step "bench is C99" "${c[@]}" -fsyntax-only examples/bench.c
step "bench is C++11 as well" "${cpp[@]}" examples/bench.c
for program in "${tests[@]}" "${examples[@]}"; do
  step "$program is C++11 as well" "${cpp[@]}" "$(source_of "$program")"
done

compile_all "plain" plain
for program in "${tests[@]}" "${examples[@]}"; do
  step "$program, plain" "$work/plain/$program" $(arguments "$program")
done

memcheck=(valgrind --quiet --suppressions=tests/valgrind.supp --error-exitcode=99)
leaks=(--leak-check=full --errors-for-leak-kinds=definite,possible)
for program in "${tests[@]}" "${examples[@]}"; do
  checks=("${leaks[@]}")
  # A child has the memory of its parent's I/O thread, but not the thread that would free it. What the program's parent
  # does is what the others do, who are looked at for leaks.
  [ "$program" != fork ] || checks=(--leak-check=no)
  step "$program, valgrind" "${memcheck[@]}" "${checks[@]}" "$work/plain/$program" $(arguments "$program")
done

compile_all "sanitizers" sanitized -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
for program in "${tests[@]}" "${examples[@]}"; do
  if [[ $not_sanitized == *" $program "* ]]; then
    echo "left out  $program, sanitizers: $why_not_sanitized"
    continue
  fi
  step "$program, sanitizers" env ASAN_OPTIONS=detect_leaks=1 "$work/sanitized/$program" $(arguments "$program")
done

every_option_is_in_the_manual() {
  local name is_missing=0
  while read -r name; do
    grep -qF "$name" README.md || { echo "README.md lacks $name" && is_missing=1; }
  done < <(sed -n '/For `pigato_/,/[*][/]/p' include/pigato.h | grep -oE '`[a-zA-Z]+`' | sort -u)
  return "$is_missing"
}
step "every option of the header is in README.md" every_option_is_in_the_manual

# Installed, and used from an empty folder by what pkg-config says and nothing else.
prefix=$work/prefix
user=$work/user
install_here=(PREFIX="$prefix" PROFILE="$profile")
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig

use() { # words, arguments for pkg-config and a filter of what it says, flags for the compiler …
  local words=$1 of_pkg_config=$2 filter=$3 program flags
  shift 3
  flags=($(pkg-config $of_pkg_config pigato | sed "$filter"))
  for program in "${examples[@]}"; do
    rm -rf "$user"
    mkdir "$user"
    cp "examples/$program.c" examples/support.h examples/stocks.csv "$user"
    step "compile $program, $words" env -C "$user" "$cc" -std=c99 "$@" "$program.c" "${flags[@]}" -o "$program"
    step "$program, $words" env -C "$user" LD_LIBRARY_PATH="$prefix/lib" "./$program" $(arguments "$program" | sed 's|.*/||')
  done
}

is_called() { # shared library, soname
  readelf -d "$1" | grep "SONAME.*\[$2\]"
}

exports_only_its_own() { # shared library
  local exported
  exported=$(nm -D --defined-only "$1" | awk '{ print $3 }')
  grep -qx pigato_version <<<"$exported" && ! grep -v '^pigato_' <<<"$exported"
}

needs() { # program, library that it is linked with
  readelf -d "$1" | grep "NEEDED.*\[$2\]"
}

needs_not() {
  ! needs "$@"
}

has_version_of_workspace() {
  [ "$(pkg-config --modversion pigato)" = "$(sed -n 's/^version = "\(.*\)"/\1/p' ../Cargo.toml)" ]
}

is_empty() { # folder
  ! find "$1" -type f -o -type l | grep .
}

first_program() { # the first C program in README.md
  awk '/^```c$/ { inside = 1; next } /^```$/ && inside { exit } inside' README.md
}

step "install" "$make" --no-print-directory install "${install_here[@]}"
step "soname" is_called "$prefix/lib/libpigato.so.1.0.0" libpigato.so.1
step "version" has_version_of_workspace
step "the shared library exports pigato_… and nothing else" exports_only_its_own "$prefix/lib/libpigato.so"
use "pkg-config, shared" "--cflags --libs" ""
step "the program names the soname" needs "$user/stocks" libpigato.so.1
use "pkg-config, libpigato.a" "--cflags --libs --static" "s/-lpigato/-l:libpigato.a/"
step "the program does not need the shared library" needs_not "$user/stocks" libpigato.so.1
use "pkg-config, all static" "--cflags --libs --static" "" -static
first_program >"$user/first.c"
step "compile README.md's first program" env -C "$user" "$cc" -std=c99 "${warnings[@]}" first.c \
  $(pkg-config --cflags --libs pigato) -o first
step "README.md's first program" env -C "$user" LD_LIBRARY_PATH="$prefix/lib" ./first
step "uninstall" "$make" --no-print-directory uninstall "${install_here[@]}"
step "nothing is left" is_empty "$prefix"
step "install below DESTDIR" "$make" --no-print-directory install PROFILE="$profile" PREFIX=/usr DESTDIR="$work/stage"
step "pigato.pc does not speak of DESTDIR" grep -qx "prefix=/usr" "$work/stage/usr/lib/pkgconfig/pigato.pc"
