#!/bin/sh
# Compiles libsluice for this machine: build.sh OUT_DIR [plain|sanitize]
# Writes OUT_DIR/<os>-<arch>/libsluice.<so|dylib> unless it is newer than every source. CC chooses the compiler.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
out_root=$(cd "$1" && pwd)
kind=${2:-plain}
sources=$here/src/main/c

die() {
    echo "vfs-native: $*" >&2
    exit 1
}

case $(uname -s) in
    Linux) os=linux; ext=so; shared="-shared -Wl,-z,relro,-z,now -Wl,--build-id=none -Wl,-z,defs" ;;
    Darwin) os=macos; ext=dylib; shared="-dynamiclib -Wl,-install_name,@rpath/libsluice.dylib" ;;
    *) die "libsluice can be built on Linux and macOS, not on $(uname -s)" ;;
esac
case $(uname -m) in
    x86_64 | amd64) arch=x86_64 ;;
    aarch64 | arm64) arch=aarch64 ;;
    *) arch=$(uname -m) ;;
esac

dir=$out_root/$os-$arch
library=$dir/libsluice.$ext
if [ -f "$library" ] && [ -z "$(find "$sources" "$here/build.sh" -type f -newer "$library")" ]; then
    exit 0
fi

compiler=
for candidate in ${CC:-cc gcc clang}; do
    if command -v "$candidate" >/dev/null 2>&1; then
        compiler=$candidate
        break
    fi
done
[ -n "$compiler" ] || die "no C compiler found (tried ${CC:-cc, gcc, clang}): install gcc or clang, or set CC"

flags="-std=c11 -O2 -g0 -fPIC -Wall -Wextra -Wconversion -Werror -fvisibility=hidden -ffile-prefix-map=$here=."
case $kind in
    plain) ;;
    # The unresolved symbols of the sanitizers come with LD_PRELOAD.
    sanitize)
        flags="$flags -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined"
        shared=$(echo "$shared" | sed 's/ -Wl,-z,defs//')
        ;;
    *) die "unknown kind of build: $kind (plain or sanitize)" ;;
esac

mkdir -p "$dir"
temporary=$library.$$
trap 'rm -f "$temporary"' EXIT
# shellcheck disable=SC2086
(cd "$here" && "$compiler" $flags $shared -o "$temporary" src/main/c/*.c -lpthread) || die "$compiler failed (see above)"
mv "$temporary" "$library"
