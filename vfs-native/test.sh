#!/bin/sh
# Builds the native tests for this machine and runs them: test.sh OUT_DIR [plain|sanitize] [SEED]
set -eu

here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)/native_test
kind=${2:-plain}
compiler=${CC:-cc}

flags="-std=c11 -O2 -g -Wall -Wextra -Wconversion -Werror"
[ "$kind" = plain ] || flags="$flags -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined"

# shellcheck disable=SC2086
(cd "$here" && "$compiler" $flags -o "$out" src/main/c/*.c src/test/c/native_test.c -lpthread)
"$out" ${3:-20261101}
