#!/bin/sh
# Torn reads of the page store: torn.sh OUT_DIR SECONDS
# Runs the harness (torn_test.c) that long on the sources as they are, and then on copies of which each lacks one step of
# the protocol: every copy must be seen to fail within a few seconds. Where only a memory order is missing it may be that
# nothing fails on this processor, and that is said with the reason. Files go to OUT_DIR.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
seconds=$2
mutant_seconds=20 # at most: most fail in a tenth of one
compiler=${CC:-cc}
flags="-std=c11 -O2 -g0 -w" # what is left out leaves things unused

build() { # directory of the sources; leaves its program and the two object files there
    (
        cd "$1"
        # shellcheck disable=SC2086
        "$compiler" $flags -c -o store.o src/main/c/store.c && "$compiler" $flags -c -o torn_test.o src/test/c/torn_test.c
        # shellcheck disable=SC2086,SC2046
        "$compiler" $flags -o torn_test store.o torn_test.o src/test/c/store_folder.c \
            $(find src/main/c -name '*.c' ! -name store.c) -lpthread
    )
}

copy() { # name
    rm -rf "${out:?}/$1"
    mkdir -p "$out/$1"
    cp -R "$here/src" "$out/$1/src"
}

failures=0

mutant() { # name, file, sed script, [order: only a memory order is missing | pread: readers read so, else by mmap]
    reading=mmap
    [ "${4:-}" != pread ] || reading=pread
    copy "$1"
    sed "$3" "$here/src/$2" > "$out/$1/src/$2"
    if cmp -s "$here/src/$2" "$out/$1/src/$2"; then
        echo "$1: NOTHING IS CHANGED: the source and torn.sh do not fit any more"
        failures=$((failures + 1))
        return
    fi
    build "$out/$1"
    if cmp -s "$out/original/store.o" "$out/$1/store.o" && cmp -s "$out/original/torn_test.o" "$out/$1/torn_test.o"; then
        echo "$1: not run: the machine code is the same on $(uname -m), so it cannot fail here"
        return
    fi
    if [ "${4:-}" = order ] && [ "$(uname -m)" = x86_64 ]; then
        echo "$1: not run: x86_64 shows stores in the order of the program, and no compiler moves one across a system call"
        return
    fi
    code=0
    said=$("$out/$1/torn_test" "$out/$1" "$mutant_seconds" "$(date +%s)" "$reading" 2>&1) || code=$?
    case $code in
        0)
            if [ "${4:-}" = order ]; then
                echo "$1: not seen to fail on $(uname -m), which may need longer: $said"
                return
            fi
            echo "$1: NOT SEEN TO FAIL: $said"
            failures=$((failures + 1))
            ;;
        1) echo "$1: $said" ;;
        *)
            echo "$1: BROKEN: $said"
            failures=$((failures + 1))
            ;;
    esac
    rm -rf "${out:?}/$1"
}

copy original
build "$out/original"
"$out/original/torn_test" "$out/original" "$seconds"

reader=main/c/store.c
writer=test/c/torn_test.c

mutant reader-without-the-second-load $reader \
    '/atomic_load_explicit(&mapped->tags\[place\], memory_order_relaxed) != tag/s/if (.*) {/if (false) {/'
mutant reader-by-pread-without-the-second-load $reader \
    '/atomic_load_explicit(&mapped->tags\[place\], memory_order_relaxed) != tag/s/if (.*) {/if (false) {/' pread
mutant reader-without-the-fence $reader '/atomic_thread_fence(memory_order_acquire);/d' order
mutant reader-that-loads-the-tag-relaxed $reader \
    '/uint64_t tag = atomic_load_explicit/s/memory_order_acquire/memory_order_relaxed/' order
mutant reader-that-takes-any-bound $reader 's/bound == 0 || bound > view->txid/bound == 0/'

mutant writer-that-leaves-the-tag-while-it-writes $writer '/\/\* absent-first \*\//d'
mutant writer-that-leaves-the-tag-under-pread $writer '/\/\* absent-first \*\//d' pread
mutant writer-that-keeps-the-generation $writer '/\/\* generation \*\//s/tag + 1/tag/'
mutant writer-without-fences $writer '/\/\* writer-fence \*\//d' order
mutant writer-that-stores-relaxed $writer 's/memory_order_release); \/\*/memory_order_relaxed); \/*/' order
mutant writer-of-the-tag-before-the-page $writer \
    '/\/\* bytes-before \*\//d; s/\/\* bytes-after \*\//write_bytes(pgno, page);/'
mutant writer-of-the-tag-before-the-page-under-pread $writer \
    '/\/\* bytes-before \*\//d; s/\/\* bytes-after \*\//write_bytes(pgno, page);/' pread
mutant writer-through-a-mapping-after-the-tag $writer \
    '/\/\* bytes-before \*\//d; s/\/\* bytes-after \*\//{ size_t at = (size_t)(pgno - 1) * folder.page_size, begin = at \& ~(size_t)65535; uint8_t *map = mmap(NULL, 131072, PROT_READ | PROT_WRITE, MAP_SHARED, folder.pages_fd, (off_t)begin); memcpy(map + (at - begin), page, folder.page_size); munmap(map, 131072); }/'
mutant writer-that-clears-after-publishing $writer \
    's/prepare(&random); \/\* then-publish \*\//publish(known + 1);/; s/publish(known); *\/\* prepare \*\//prepare(\&random);/'
mutant writer-that-evicts-before-it-clears $writer '/\/\* clear-first \*\//d'
mutant writer-of-a-bound-that-is-too-small $writer '/\/\* bound \*\//s/version + next_random(random, later)/version > 3 ? version - 3 : 1/'

[ "$failures" = 0 ] || { echo "torn.sh: $failures of these are not as they should be"; exit 1; }
