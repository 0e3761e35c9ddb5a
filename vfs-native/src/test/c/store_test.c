/*
 * What a reader finds in a page store, by one thread: the layout byte by byte, and what happens at its edges. Run by
 * test.sh with a directory; says which claim failed.
 */
#define _GNU_SOURCE
#define _DARWIN_C_SOURCE
#include "check.h"
#include "store_folder.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE_BYTES = 1024, CHUNKS_MAX = 4, EXTENT_PAGES = 65536 / PAGE_BYTES };

static const uint64_t GOLDEN_BOUND = 0x112233445566;

static const char *directory;
static int reading; /* each test is run with both */

static sluice_view view_at(uint64_t txid, uint32_t page_size) {
    sluice_view view;
    memset(&view, 0, sizeof view);
    view.txid = txid;
    view.page_size = page_size;
    return view;
}

static bool read_at(int64_t store, uint64_t txid, uint32_t pgno, uint8_t *dst) {
    sluice_view view = view_at(txid, PAGE_BYTES);
    return sluice_store_read((sluice_store *)(intptr_t)store, &view, pgno, 0, PAGE_BYTES, dst);
}

static void set_tag(store_folder *folder, uint32_t pgno, uint64_t bound, uint64_t generation) {
    atomic_store_explicit(&folder->words[pgno - 1], bound << 16 | generation, memory_order_release);
}

static void write_page(store_folder *folder, uint32_t pgno, uint8_t value) {
    uint8_t page[PAGE_BYTES];
    memset(page, value, sizeof page);
    store_folder_write(folder, pgno, page);
}

static bool is_all(const uint8_t *bytes, size_t count, uint8_t value) {
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] != value) {
            return false;
        }
    }
    return true;
}

static int64_t open_store(store_folder *folder, int chunks) {
    store_folder_open(folder, directory, PAGE_BYTES, CHUNKS_MAX);
    store_folder_grow(folder, (uint32_t)chunks);
    int64_t store = sluice_store_new(reading);
    CHECK(store != 0);
    CHECK(sluice_store_attach(store, folder->pages, folder->tags, PAGE_BYTES) == 0);
    CHECK(sluice_store_grow(store, chunks) == 0);
    return store;
}

static void close_store(store_folder *folder, int64_t store) {
    sluice_store_free(store);
    store_folder_close(folder, CHUNKS_MAX);
    CHECK(sluice_store_count() == 0);
}

/* The same bytes as PageStoreTest has Java write. */
static void golden_bytes_are_read(void) {
    store_folder folder;
    int64_t store = open_store(&folder, 1);
    static const uint8_t golden_tag[8] = {0x02, 0x00, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11};
    const uint16_t one = 1;
    for (int i = 0; i < 8; i++) {
        uint8_t byte = golden_tag[*(const uint8_t *)&one == 1 ? i : 7 - i];
        memcpy((uint8_t *)(uintptr_t)folder.words + 2 * 8 + i, &byte, 1); /* page 3 */
    }
    uint8_t page[PAGE_BYTES];
    for (int i = 0; i < PAGE_BYTES; i++) {
        page[i] = (uint8_t)(i * 7 + 3);
    }
    FILE *pages = fopen(folder.pages, "r+b");
    CHECK(pages != NULL && fseek(pages, 2 * PAGE_BYTES, SEEK_SET) == 0);
    CHECK(fwrite(page, 1, PAGE_BYTES, pages) == PAGE_BYTES && fclose(pages) == 0);

    uint8_t dst[PAGE_BYTES];
    CHECK(read_at(store, GOLDEN_BOUND, 3, dst) && memcmp(dst, page, PAGE_BYTES) == 0);
    CHECK(read_at(store, GOLDEN_BOUND + 1, 3, dst) && memcmp(dst, page, PAGE_BYTES) == 0);
    CHECK(read_at(store, (UINT64_C(1) << 48) - 1, 3, dst));
    CHECK(!read_at(store, GOLDEN_BOUND - 1, 3, dst));
    CHECK(!read_at(store, 1, 3, dst));
    CHECK(!read_at(store, GOLDEN_BOUND, 2, dst) && !read_at(store, GOLDEN_BOUND, 4, dst));
    close_store(&folder, store);
}

static void only_bound_says_whether_a_page_is_here(void) {
    store_folder folder;
    int64_t store = open_store(&folder, 1);
    uint8_t dst[PAGE_BYTES];
    write_page(&folder, 5, 0x55);
    set_tag(&folder, 5, 0, 0xffff); /* absent, whatever the generation */
    CHECK(!read_at(store, 1, 5, dst) && !read_at(store, UINT64_MAX, 5, dst));
    set_tag(&folder, 5, 1, 0);
    CHECK(!read_at(store, 0, 5, dst));
    CHECK(read_at(store, 1, 5, dst) && is_all(dst, PAGE_BYTES, 0x55));
    set_tag(&folder, 5, (UINT64_C(1) << 48) - 1, 0xffff);
    CHECK(!read_at(store, (UINT64_C(1) << 48) - 2, 5, dst));
    CHECK(read_at(store, (UINT64_C(1) << 48) - 1, 5, dst));
    close_store(&folder, store);
}

static void other_page_sizes_and_places_beyond_are_misses(void) {
    store_folder folder;
    int64_t store = open_store(&folder, 1);
    uint8_t dst[2 * PAGE_BYTES];
    set_tag(&folder, 1, 1, 0);
    set_tag(&folder, STORE_CHUNK_PAGES, 1, 0);
    sluice_store *as_store = (sluice_store *)(intptr_t)store;
    sluice_view smaller = view_at(9, PAGE_BYTES / 2);
    sluice_view larger = view_at(9, PAGE_BYTES * 2);
    CHECK(!sluice_store_read(as_store, &smaller, 1, 0, PAGE_BYTES / 2, dst));
    CHECK(!sluice_store_read(as_store, &larger, 1, 0, PAGE_BYTES * 2, dst));
    CHECK(read_at(store, 9, 1, dst) && read_at(store, 9, STORE_CHUNK_PAGES, dst));
    CHECK(!read_at(store, 9, STORE_CHUNK_PAGES + 1, dst) && !read_at(store, 9, UINT32_MAX, dst));
    CHECK(sluice_store_copy(store, 9, PAGE_BYTES, 1, (int64_t)(intptr_t)dst) == 1);
    CHECK(sluice_store_copy(store, 9, PAGE_BYTES, 2, (int64_t)(intptr_t)dst) == 0);
    CHECK(sluice_store_copy(store, 9, PAGE_BYTES / 2, 1, (int64_t)(intptr_t)dst) == 0);
    close_store(&folder, store);
}

static void parts_of_pages_are_read(void) {
    store_folder folder;
    int64_t store = open_store(&folder, 1);
    uint8_t page[PAGE_BYTES];
    for (int i = 0; i < PAGE_BYTES; i++) {
        page[i] = (uint8_t)(i % 251);
    }
    store_folder_write(&folder, 7, page);
    set_tag(&folder, 7, 3, 1);
    sluice_view view = view_at(3, PAGE_BYTES);
    for (uint32_t from = 0; from < PAGE_BYTES; from += 61) {
        for (uint32_t amount = 1; from + amount <= PAGE_BYTES; amount += 97) {
            uint8_t dst[PAGE_BYTES + 1];
            memset(dst, 0xee, sizeof dst);
            CHECK(sluice_store_read((sluice_store *)(intptr_t)store, &view, 7, from, amount, dst));
            CHECK(memcmp(dst, page + from, amount) == 0 && dst[amount] == 0xee);
        }
    }
    close_store(&folder, store);
}

static void a_store_without_files_is_empty(void) {
    uint8_t dst[PAGE_BYTES];
    int64_t store = sluice_store_new(reading);
    CHECK(sluice_store_count() == 1 && !read_at(store, 9, 1, dst));
    CHECK(sluice_store_grow(store, 1) != 0);
    CHECK(sluice_store_punch(store, 0, 65536) == -1 && sluice_store_take_mark(store, 0) == 0);
    CHECK(sluice_store_attach(store, "/nonexistent/pages", "/nonexistent/tags", PAGE_BYTES) != 0);
    CHECK(!read_at(store, 9, 1, dst));
    sluice_store_free(store);
    CHECK(sluice_store_count() == 0);
}

static void after_disable_all_are_misses(void) {
    store_folder folder;
    int64_t store = open_store(&folder, 1);
    uint8_t dst[PAGE_BYTES];
    set_tag(&folder, 1, 1, 0);
    CHECK(read_at(store, 1, 1, dst));
    sluice_store_disable(store);
    CHECK(!read_at(store, 1, 1, dst) && sluice_store_take_mark(store, 0) == 0);
    store_folder_grow(&folder, 2);
    CHECK(sluice_store_grow(store, 2) == 0 && !read_at(store, 1, 1, dst));
    close_store(&folder, store);
}

/* A connection outlives the replica that Java has closed, and the files' names. */
static void an_open_file_keeps_the_mapping(void) {
    store_folder folder;
    int64_t store = open_store(&folder, 1);
    uint8_t dst[PAGE_BYTES];
    write_page(&folder, 1, 0x42);
    set_tag(&folder, 1, 1, 0);
    sluice_store_retain((sluice_store *)(intptr_t)store);
    sluice_store_free(store);
    store_folder_close(&folder, CHUNKS_MAX);
    CHECK(sluice_store_count() == 1);
    CHECK(read_at(store, 1, 1, dst) && is_all(dst, PAGE_BYTES, 0x42));
    sluice_store_release((sluice_store *)(intptr_t)store);
    CHECK(sluice_store_count() == 0);
}

static _Atomic int is_grown;

static void *read_while_it_grows(void *arg) {
    int64_t store = *(const int64_t *)arg;
    uint8_t dst[PAGE_BYTES];
    uint32_t hits = 0;
    for (uint32_t pgno = 1; hits == 0 || pgno != 1;) {
        bool has_ended = atomic_load_explicit(&is_grown, memory_order_acquire) != 0;
        bool is_hit = read_at(store, 9, pgno, dst);
        CHECK(!is_hit || is_all(dst, PAGE_BYTES, (uint8_t)(pgno / STORE_CHUNK_PAGES + 1)));
        CHECK(is_hit || !has_ended);
        hits += is_hit && has_ended;
        pgno = pgno / STORE_CHUNK_PAGES == CHUNKS_MAX - 1 ? 1 : pgno + STORE_CHUNK_PAGES;
    }
    return NULL;
}

static void it_grows_while_readers_read(void) {
    store_folder folder;
    store_folder_open(&folder, directory, PAGE_BYTES, CHUNKS_MAX);
    int64_t store = sluice_store_new(reading);
    CHECK(sluice_store_attach(store, folder.pages, folder.tags, PAGE_BYTES) == 0);
    atomic_store_explicit(&is_grown, 0, memory_order_relaxed);
    pthread_t readers[4];
    for (int i = 0; i < 4; i++) {
        CHECK(pthread_create(&readers[i], NULL, read_while_it_grows, &store) == 0);
    }
    for (uint32_t chunk = 0; chunk < CHUNKS_MAX; chunk++) {
        uint32_t pgno = chunk * STORE_CHUNK_PAGES + 1;
        store_folder_grow(&folder, chunk + 1);
        write_page(&folder, pgno, (uint8_t)(chunk + 1));
        set_tag(&folder, pgno, 9, 1);
        CHECK(sluice_store_grow(store, (int)chunk + 1) == 0);
    }
    atomic_store_explicit(&is_grown, 1, memory_order_release);
    for (int i = 0; i < 4; i++) {
        CHECK(pthread_join(readers[i], NULL) == 0);
    }
    close_store(&folder, store);
}

static void marks_say_what_was_read_and_punching_leaves_zeros(void) {
    store_folder folder;
    int64_t store = open_store(&folder, 1);
    uint8_t dst[PAGE_BYTES];
    uint32_t second = EXTENT_PAGES + 1; /* first page of extent 1 */
    write_page(&folder, 1, 0x11);
    write_page(&folder, second, 0x22);
    set_tag(&folder, 1, 1, 0);
    set_tag(&folder, second, 1, 0);
    CHECK(sluice_store_take_mark(store, 0) == 0 && sluice_store_take_mark(store, 1) == 0);
    CHECK(!read_at(store, 0, 1, dst) && sluice_store_take_mark(store, 0) == 0); /* a miss leaves no mark */
    CHECK(read_at(store, 1, second, dst));
    CHECK(sluice_store_take_mark(store, 0) == 0);
    CHECK(sluice_store_take_mark(store, 1) == 1 && sluice_store_take_mark(store, 1) == 0);
    CHECK(sluice_store_take_mark(store, STORE_CHUNK_PAGES / EXTENT_PAGES) == 0); /* beyond what is mapped */
    if (sluice_store_punch(store, 0, 65536) != 0) {
        printf("store_test: no holes can be punched here\n");
    } else {
        CHECK(read_at(store, 1, 1, dst) && is_all(dst, PAGE_BYTES, 0));
        CHECK(read_at(store, 1, second, dst) && is_all(dst, PAGE_BYTES, 0x22));
    }
    close_store(&folder, store);
}

/* A mapping would kill the process in each of these. */
static void what_cannot_be_read_by_pread_is_a_miss(void) {
    store_folder folder;
    int64_t store = open_store(&folder, 1);
    uint8_t dst[PAGE_BYTES];
    for (uint32_t pgno = 1; pgno <= 9; pgno++) {
        write_page(&folder, pgno, (uint8_t)pgno);
        set_tag(&folder, pgno, 1, 0);
    }
    CHECK(ftruncate(folder.pages_fd, 5 * PAGE_BYTES + 100) == 0);
    CHECK(read_at(store, 1, 5, dst) && is_all(dst, PAGE_BYTES, 5));
    CHECK(!read_at(store, 1, 6, dst)); /* 100 bytes of it are there */
    CHECK(!read_at(store, 1, 7, dst));
    CHECK(sluice_store_take_mark(store, 0) == 1 && !read_at(store, 1, 9, dst));
    CHECK(sluice_store_take_mark(store, 0) == 0); /* what was not read leaves no mark */
    sluice_view view = view_at(1, PAGE_BYTES);
    CHECK(sluice_store_read((sluice_store *)(intptr_t)store, &view, 6, 40, 60, dst) && is_all(dst, 60, 6));
    CHECK(!sluice_store_read((sluice_store *)(intptr_t)store, &view, 6, 41, 60, dst));

    size_t host_page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *nowhere = mmap(NULL, host_page, PROT_NONE, MAP_PRIVATE | MAP_ANON, -1, 0);
    CHECK(nowhere != MAP_FAILED);
    errno = 0;
    CHECK(!read_at(store, 1, 1, nowhere) && errno == EFAULT); /* a pread that fails, as on a medium that does */
    CHECK(munmap(nowhere, host_page) == 0);

    write_page(&folder, 6, 0x66);
    CHECK(read_at(store, 1, 6, dst) && is_all(dst, PAGE_BYTES, 0x66));
    close_store(&folder, store);
}

static void run_all(void) {
    golden_bytes_are_read();
    only_bound_says_whether_a_page_is_here();
    other_page_sizes_and_places_beyond_are_misses();
    parts_of_pages_are_read();
    a_store_without_files_is_empty();
    after_disable_all_are_misses();
    an_open_file_keeps_the_mapping();
    it_grows_while_readers_read();
    marks_say_what_was_read_and_punching_leaves_zeros();
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: store_test DIRECTORY\n");
        return 2;
    }
    directory = argv[1];
    reading = SLUICE_STORE_MMAP;
    run_all();
    reading = SLUICE_STORE_PREAD;
    run_all();
    what_cannot_be_read_by_pread_is_a_miss();
    printf("store_test: ok\n");
    return 0;
}
