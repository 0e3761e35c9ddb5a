#!/bin/sh
# Runs a command under ASan and UBSan in this JVM's process: sanitize.sh OUT_DIR COMMAND...
# Builds the sanitized libsluice in OUT_DIR first. The command finds its path in SLUICE_SANITIZED, and must give it to the
# JVM as -Dsluice.native.library. Linux with gcc.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
"$here/build.sh" "$1" sanitize
SLUICE_SANITIZED=$(cd "$1" && pwd)/$(cd "$1" && echo linux-*/libsluice.so)
shift

compiler=${CC:-gcc}
export SLUICE_SANITIZED
# The JVM handles SIGSEGV itself, and never frees what it has at exit.
export ASAN_OPTIONS=handle_segv=0:detect_leaks=0:allow_user_segv_handler=1:abort_on_error=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
LD_PRELOAD="$("$compiler" -print-file-name=libasan.so) $("$compiler" -print-file-name=libubsan.so)" exec "$@"
