#!/usr/bin/env bash
# Runs the C programs in tests/ and examples/ against build/libpigato.*: directly, under valgrind, with sanitizers, and
# against an installed copy. Prints a line per step; the first failure ends the run and prints how to repeat the step.
# Called by `make test`.
set -eu -o pipefail
cd "$(dirname "$0")/.."

make=${MAKE:-make}
profile=${PROFILE:-release}
cc=${CC:-gcc}
cxx=${CXX:-g++}
work=$PWD/build/tests
tests=(misuse requests data streams polling broker fork)
# Programs that do not run with sanitizers, and why; the run prints both.
not_sanitized=" fork "
why_not_sanitized="a fork copies the sanitizer's locks in any state, so a child can hang"
examples=(echo stocks)
# The flags of `pkg-config --static`; steps below use pkg-config itself with the installed copy.
libraries=($(sed -n 's/^Libs.private: //p' pigato.pc.in))
warnings=(-Wall -Wextra -Werror)
c=("$cc" -std=c99 -pedantic "${warnings[@]}" -g -Iinclude)
cpp=("$cxx" -x c++ -std=c++11 "${warnings[@]}" -Iinclude -fsyntax-only)
# More rows than a worker may send ahead of its client, so that it has to wait.
stocks=(examples/stocks.csv 300)

step() { # words, command …
  local words=$1 begun
  shift
  begun=$(date +%s%N)
  if ! "$@" >"$work/step.log" 2>&1; then
    tail -n 60 "$work/step.log"
    printf 'failed: %s\nto repeat, in %s:\n ' "$words" "$PWD"
    # A function of this script cannot be repeated alone.
    declare -F "$1" >/dev/null && set -- env PROFILE="$profile" tests/run.sh
    printf ' %q' "$@"
    printf '\n'
    exit 1
  fi
  printf 'ok  %-58s %6d ms\n' "$words" $((($(date +%s%N) - begun) / 1000000))
}

arguments() { # program: prints its arguments
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

# The header alone and every source compile as C and as C++.
printf '#include <pigato.h>\n' >"$work/header.c"
step "the header is C99" "${c[@]}" -fsyntax-only "$work/header.c"
step "the header is C++11" "${cpp[@]}" "$work/header.c"
# The benchmark runs it; here it only has to compile.
step "bench is C99" "${c[@]}" -fsyntax-only examples/bench.c
step "bench is C++11 as well" "${cpp[@]}" examples/bench.c
for program in "${tests[@]}" "${examples[@]}"; do
  step "$program is C++11 as well" "${cpp[@]}" "$(source_of "$program")"
done

compile_all "direct" direct
for program in "${tests[@]}" "${examples[@]}"; do
  step "$program, direct" "$work/direct/$program" $(arguments "$program")
done

memcheck=(valgrind --quiet --suppressions=tests/valgrind.supp --error-exitcode=99)
leaks=(--leak-check=full --errors-for-leak-kinds=definite,possible)
for program in "${tests[@]}" "${examples[@]}"; do
  checks=("${leaks[@]}")
  # A child has the memory of its parent's I/O thread, but not the thread that would free it. The other programs cover
  # the leaks of a parent.
  [ "$program" != fork ] || checks=(--leak-check=no)
  step "$program, valgrind" "${memcheck[@]}" "${checks[@]}" "$work/direct/$program" $(arguments "$program")
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

# Install a copy and use it from an empty folder with nothing but the flags of pkg-config.
prefix=$work/prefix
user=$work/user
install_here=(PREFIX="$prefix" PROFILE="$profile")
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig

use() { # words, arguments for pkg-config, sed filter for its output, flags for the compiler …
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

has_soname() { # shared library, soname
  readelf -d "$1" | grep "SONAME.*\[$2\]"
}

exports_only_pigato_symbols() { # shared library
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

matches_the_workspace_version() {
  [ "$(pkg-config --modversion pigato)" = "$(sed -n 's/^version = "\(.*\)"/\1/p' ../Cargo.toml)" ]
}

is_empty() { # folder
  ! find "$1" -type f -o -type l | grep .
}

first_program() { # the first C program in README.md
  awk '/^```c$/ { inside = 1; next } /^```$/ && inside { exit } inside' README.md
}

step "install" "$make" --no-print-directory install "${install_here[@]}"
step "soname" has_soname "$prefix/lib/libpigato.so.1.0.0" libpigato.so.1
step "version" matches_the_workspace_version
step "the shared library exports only pigato_…" exports_only_pigato_symbols "$prefix/lib/libpigato.so"
use "pkg-config, shared" "--cflags --libs" ""
step "the program needs the soname" needs "$user/stocks" libpigato.so.1
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
step "pigato.pc does not contain DESTDIR" grep -qx "prefix=/usr" "$work/stage/usr/lib/pkgconfig/pigato.pc"
