/*
 * Torn reads: one writer rewrites, clears and evicts pages as fast as it can, as Java does it, while readers check every
 * word of what they copy against the TXID they read at. Run by test.sh and torn.sh: torn_test DIRECTORY SECONDS [SEED
 * [mmap|pread]]. Ends with the first wrong word and says what it was. Rounds change between both ways of reading.
 *
 * Which TXIDs change which pages is a function of both, and so is every word of a page; nothing is remembered. The writer
 * keeps the rule of the store: a page that is present is the newest version known, under a bound at which it was that
 * version already; before a TXID is published every page that it changes is rewritten or cleared.
 *
 * torn.sh makes copies of this file and of store.c in which one step is missing; the lines it edits end with a name of
 * the step.
 */
#define _GNU_SOURCE
#define _DARWIN_C_SOURCE
#include "store_folder.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { READERS = 8, PAGES = 24, PAGE_BYTES_MAX = 65536, WORDS_MAX = PAGE_BYTES_MAX / 8, EXTENT_BYTES = 65536 };

#define ROUND_SECONDS 1.0
#define WORD_STEP UINT64_C(0x9e3779b97f4a7c15)

static const uint32_t page_sizes[] = {4096, 65536, 16384, 512, 1024};

static uint64_t seed;
static double end_seconds; /* of this round */
static store_folder folder;
static int reading;
static int64_t store;
static uint64_t known; /* the writer's newest TXID */
static _Atomic uint64_t published;
static _Atomic bool is_over;
static _Atomic bool is_torn;
static char finding[400]; /* written once, by who sets is_torn first */

typedef struct tally {
    uint64_t hits;
    uint64_t misses;
} tally;

static uint64_t views, rewrites, clears, evictions;

static double now_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void give_up(const char *reason) {
    fprintf(stderr, "torn_test: %s\n", reason);
    exit(2);
}

static uint64_t mixed(uint64_t value) {
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

static uint32_t next_random(uint64_t *state, uint32_t bound) {
    *state += WORD_STEP;
    return (uint32_t)((mixed(*state) >> 33) % bound);
}

/* -- the history, a pure function ----------------------------------------------------------------------------------- */

static bool changes(uint32_t pgno, uint64_t txid) {
    return txid == 1 || mixed(seed ^ (txid * 1031 + pgno)) % 4 == 0;
}

static uint64_t last_change(uint32_t pgno, uint64_t txid) {
    while (!changes(pgno, txid)) {
        txid--;
    }
    return txid;
}

/* The words of a version are this and then more by WORD_STEP each. */
static uint64_t first_word(uint32_t pgno, uint64_t version) {
    return mixed(version << 16 | pgno) | 1;
}

/* -- the writer ----------------------------------------------------------------------------------------------------- */

static bool is_present(uint32_t pgno) {
    return atomic_load_explicit(&folder.words[pgno - 1], memory_order_relaxed) >> 16 != 0;
}

static uint64_t next_tag(uint32_t pgno, uint64_t bound) {
    uint64_t tag = atomic_load_explicit(&folder.words[pgno - 1], memory_order_relaxed);
    return bound << 16 | ((tag + 1) & 0xffff); /* generation */
}

static void set_absent(uint32_t pgno) {
    atomic_store_explicit(&folder.words[pgno - 1], next_tag(pgno, 0), memory_order_release); /* absent */
}

static void write_bytes(uint32_t pgno, const uint64_t *page) {
    store_folder_write(&folder, pgno, page);
}

static void write_version(uint32_t pgno, uint64_t version, uint64_t bound) {
    static uint64_t page[WORDS_MAX];
    uint64_t word = first_word(pgno, version);
    for (uint32_t i = 0; i < folder.page_size / 8; i++, word += WORD_STEP) {
        page[i] = word;
    }
    set_absent(pgno); /* absent-first */
    /* release: the tag before the page, whose bytes the kernel writes; pairs with the fence in sluice_store_read */
    atomic_thread_fence(memory_order_release); /* writer-fence */
    write_bytes(pgno, page); /* bytes-before */
    /* release: the page before the tag; pairs with the first load in sluice_store_read */
    atomic_store_explicit(&folder.words[pgno - 1], next_tag(pgno, bound), memory_order_release); /* writer-release */
    /* bytes-after */
    rewrites++;
}

static void clear(uint32_t pgno) {
    if (is_present(pgno)) {
        set_absent(pgno);
        clears++;
    }
}

static void evict(uint32_t pgno) {
    uint32_t extent_pages = folder.page_size < EXTENT_BYTES ? EXTENT_BYTES / folder.page_size : 1;
    uint32_t extent = (pgno - 1) / extent_pages;
    for (uint32_t each = 1; each <= PAGES; each++) {
        if ((each - 1) / extent_pages == extent) {
            clear(each); /* clear-first */
        }
    }
    atomic_thread_fence(memory_order_release); /* writer-fence */
    if (sluice_store_punch(store, (int64_t)extent * extent_pages * folder.page_size,
                           (int64_t)extent_pages * folder.page_size) == 0) {
        evictions++;
    }
}

/* Stores the newest version of a page, under any bound by which it was that. */
static void fill(uint32_t pgno, uint64_t *random) {
    uint64_t version = last_change(pgno, known);
    uint32_t later = (uint32_t)(known - version) + 1;
    write_version(pgno, version, version + next_random(random, later)); /* bound */
}

static void publish(uint64_t txid) {
    /* release: what was cleared or rewritten before; pairs with the load of who begins to read */
    atomic_store_explicit(&published, txid, memory_order_release); /* publish */
    views++;
}

static void prepare(uint64_t *random) {
    known++;
    for (uint32_t pgno = 1; pgno <= PAGES; pgno++) {
        if (is_present(pgno) && changes(pgno, known)) {
            if (next_random(random, 4) == 0) {
                clear(pgno);
            } else {
                write_version(pgno, known, known);
            }
        }
    }
}

static void *write_often(void *arg) {
    uint64_t random = *(const uint64_t *)arg;
    while (!atomic_load_explicit(&is_torn, memory_order_relaxed) && now_seconds() < end_seconds) {
        for (int i = 0; i < 16; i++) {
            uint32_t pgno = 1 + next_random(&random, PAGES);
            uint32_t kind = next_random(&random, 1024);
            if (kind < 64) {
                clear(pgno);
            } else if (kind < 96) {
                evict(pgno);
                fill(pgno, &random);
            } else if (kind < 256) {
                prepare(&random); /* then-publish */
                publish(known);   /* prepare */
            } else {
                fill(pgno, &random);
            }
        }
    }
    atomic_store_explicit(&is_over, true, memory_order_relaxed);
    return NULL;
}

/* -- the readers ---------------------------------------------------------------------------------------------------- */

/* Says of which version a word is; what is near in time is looked through. */
static void describe(char *out, size_t bytes, uint32_t pgno, uint64_t word, uint32_t at, uint64_t version) {
    if (word == 0) {
        snprintf(out, bytes, "zero");
        return;
    }
    uint64_t newest = version + 200000;
    for (uint64_t each = version > 200000 ? version - 200000 : 1; each < newest; each++) {
        if (first_word(pgno, each) + at * WORD_STEP == word) {
            snprintf(out, bytes, "of version %llu", (unsigned long long)each);
            return;
        }
    }
    snprintf(out, bytes, "%016llx", (unsigned long long)word);
}

static void tell(uint32_t pgno, uint64_t txid, uint64_t version, uint32_t at, uint64_t word) {
    if (atomic_exchange(&is_torn, true)) {
        return;
    }
    char what[40];
    describe(what, sizeof what, pgno, word, at, version);
    snprintf(finding, sizeof finding, "page %u of %u bytes at TXID %llu is of version %llu, but word %u is %s", pgno,
             folder.page_size, (unsigned long long)txid, (unsigned long long)version, at, what);
}

static void check(uint32_t pgno, const sluice_view *view, uint32_t from, uint32_t words, const uint64_t *page) {
    uint64_t version = last_change(pgno, view->txid);
    uint64_t expected = first_word(pgno, version) + from * WORD_STEP;
    for (uint32_t i = 0; i < words; i++, expected += WORD_STEP) {
        if (page[i] != expected) {
            tell(pgno, view->txid, version, from + i, page[i]);
            return;
        }
    }
}

static bool read_one(const sluice_view *view, uint64_t *random, uint64_t *page) {
    uint32_t pgno = 1 + next_random(random, PAGES);
    uint32_t words = folder.page_size / 8;
    uint32_t from = 0;
    if (next_random(random, 8) == 0) {
        from = next_random(random, words);
        words = 1 + next_random(random, words - from);
    }
    if (!sluice_store_read((sluice_store *)(intptr_t)store, view, pgno, from * 8, words * 8, (uint8_t *)page)) {
        return false;
    }
    check(pgno, view, from, words, page);
    return true;
}

static void *read_often(void *arg) {
    tally *counted = arg;
    uint64_t random = mixed(seed ^ (uint64_t)(uintptr_t)counted);
    uint64_t *page = malloc(PAGE_BYTES_MAX);
    sluice_view view;
    memset(&view, 0, sizeof view);
    view.page_size = folder.page_size;
    while (page != NULL && !atomic_load_explicit(&is_over, memory_order_relaxed) &&
           !atomic_load_explicit(&is_torn, memory_order_relaxed)) {
        /* acquire: pairs with publish */
        view.txid = atomic_load_explicit(&published, memory_order_acquire);
        uint32_t reads = next_random(&random, 4) == 0 ? 200 : 2; /* a long transaction goes on with an old view */
        for (uint32_t i = 0; i < reads; i++) {
            bool is_hit = read_one(&view, &random, page);
            counted->hits += is_hit;
            counted->misses += !is_hit;
        }
    }
    free(page);
    return NULL;
}

static void open_store(const char *directory, uint32_t page_size) {
    store_folder_open(&folder, directory, page_size, 1);
    store_folder_grow(&folder, 1);
    store = sluice_store_new(reading);
    if (store == 0 || sluice_store_attach(store, folder.pages, folder.tags, (int)page_size) != 0 ||
        sluice_store_grow(store, 1) != 0) {
        give_up("the store cannot be opened");
    }
    known = 1;
    atomic_store(&published, known);
}

static void close_store(void) {
    sluice_store_free(store);
    store_folder_close(&folder, 1);
}

static void run_round(const char *directory, uint32_t page_size, double seconds, tally tallies[READERS]) {
    open_store(directory, page_size);
    atomic_store(&is_over, false);
    end_seconds = now_seconds() + seconds;
    pthread_t writer;
    pthread_t readers[READERS];
    int failed = pthread_create(&writer, NULL, write_often, &seed);
    for (int i = 0; i < READERS; i++) {
        failed |= pthread_create(&readers[i], NULL, read_often, &tallies[i]);
    }
    if (failed != 0) {
        give_up("no threads");
    }
    (void)pthread_join(writer, NULL);
    for (int i = 0; i < READERS; i++) {
        (void)pthread_join(readers[i], NULL);
    }
    close_store();
}

/* -- one copy, by a script ------------------------------------------------------------------------------------------ */

/*
 * A page that goes while it is copied, and is back before the copy ends, the same under the same bound: too rare to wait
 * for. Two pages of the destination may not be written, so that the copy stops twice, in the handler of the signal.
 */
static volatile sig_atomic_t stops;

static void go_and_come_back(int number, siginfo_t *info, void *context) {
    (void)number, (void)context;
    if (stops++ == 0) {
        evict(1);
    } else {
        write_version(1, known, known);
    }
    uintptr_t host_page = (uintptr_t)sysconf(_SC_PAGESIZE);
    void *guarded = (void *)((uintptr_t)info->si_addr / host_page * host_page);
    if (stops > 2 || mprotect(guarded, host_page, PROT_READ | PROT_WRITE) != 0) {
        abort(); /* a fault that is not ours */
    }
}

static void copy_by_script(const char *directory) {
    reading = SLUICE_STORE_MMAP; /* a system call does not stop */
    size_t host_page = (size_t)sysconf(_SC_PAGESIZE);
    if (host_page * 4 > PAGE_BYTES_MAX) {
        printf("torn_test: pages of %zu bytes: no copy by a script\n", host_page);
        return;
    }
    open_store(directory, PAGE_BYTES_MAX);
    write_version(1, known, known);
    uint8_t *dst = mmap(NULL, PAGE_BYTES_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
    struct sigaction stop;
    struct sigaction before[2];
    memset(&stop, 0, sizeof stop);
    stop.sa_sigaction = go_and_come_back;
    stop.sa_flags = SA_SIGINFO;
    if (dst == MAP_FAILED || mprotect(dst + host_page, host_page, PROT_NONE) != 0 ||
        mprotect(dst + 3 * host_page, host_page, PROT_NONE) != 0 || sigaction(SIGSEGV, &stop, &before[0]) != 0 ||
        sigaction(SIGBUS, &stop, &before[1]) != 0) {
        give_up("no copy by a script");
    }
    sluice_view view;
    memset(&view, 0, sizeof view);
    view.txid = known;
    view.page_size = PAGE_BYTES_MAX;
    bool is_hit = sluice_store_read((sluice_store *)(intptr_t)store, &view, 1, 0, PAGE_BYTES_MAX, dst);
    (void)sigaction(SIGSEGV, &before[0], NULL);
    (void)sigaction(SIGBUS, &before[1], NULL);
    if (stops != 2) {
        give_up("the copy by a script did not stop twice");
    }
    if (is_hit) {
        check(1, &view, 0, PAGE_BYTES_MAX / 8, (const uint64_t *)(const void *)dst);
    }
    munmap(dst, PAGE_BYTES_MAX);
    close_store();
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: torn_test DIRECTORY SECONDS [SEED [mmap|pread]]\n");
        return 2;
    }
    double begun = now_seconds();
    double limit = begun + atof(argv[2]);
    seed = argc > 3 ? strtoull(argv[3], NULL, 10) : (uint64_t)time(NULL);
    uint64_t first_seed = seed;
    tally tallies[READERS];
    memset(tallies, 0, sizeof tallies);
    bool has_mmap = argc <= 4 || strcmp(argv[4], "mmap") == 0;
    bool has_pread = argc <= 4 || strcmp(argv[4], "pread") == 0;
    if (has_mmap) {
        copy_by_script(argv[1]);
    }
    for (uint32_t round = 0; now_seconds() < limit && !atomic_load(&is_torn); round++, seed++) {
        double rest = limit - now_seconds();
        reading = has_pread && (!has_mmap || round % 2 == 1) ? SLUICE_STORE_PREAD : SLUICE_STORE_MMAP;
        run_round(argv[1], page_sizes[round % (sizeof page_sizes / sizeof *page_sizes)],
                  rest < ROUND_SECONDS ? rest : ROUND_SECONDS, tallies);
    }
    double taken = now_seconds() - begun;
    if (atomic_load(&is_torn)) {
        printf("torn_test: seed %llu: torn after %.2f s: %s\n", (unsigned long long)first_seed, taken, finding);
        return 1;
    }
    tally all = {0, 0};
    for (int i = 0; i < READERS; i++) {
        all.hits += tallies[i].hits;
        all.misses += tallies[i].misses;
    }
    printf("torn_test: seed %llu: %.1f s, hits=%llu misses=%llu views=%llu writes=%llu clears=%llu evictions=%llu\n",
           (unsigned long long)first_seed, taken, (unsigned long long)all.hits, (unsigned long long)all.misses,
           (unsigned long long)views, (unsigned long long)rewrites, (unsigned long long)clears,
           (unsigned long long)evictions);
    if (all.hits == 0 || all.misses == 0 || views == 0) {
        give_up("nothing was tested");
    }
    return 0;
}
