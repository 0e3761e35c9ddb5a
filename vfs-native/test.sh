#!/bin/sh
# Builds the native tests for this machine and runs them: test.sh OUT_DIR [plain|sanitize] [SEED] [SECONDS]
# SECONDS is how long readers of the page store are set against a writer; torn.sh does that for longer.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
kind=${2:-plain}
seed=${3:-20261101}
compiler=${CC:-cc}

flags="-std=c11 -O2 -g -Wall -Wextra -Wconversion -Werror"
[ "$kind" = plain ] || flags="$flags -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined"

helpers="src/test/c/store_folder.c src/test/c/test_control.c src/test/c/fake_sides.c"
for test in control_test native_test store_test torn_test; do
    # shellcheck disable=SC2086
    (cd "$here" && "$compiler" $flags -o "$out/$test" src/main/c/*.c "src/test/c/$test.c" $helpers -lpthread)
done
"$out/control_test"
"$out/native_test" "$seed"
"$out/store_test" "$out"
"$out/torn_test" "$out" "${4:-3}" "$seed"
