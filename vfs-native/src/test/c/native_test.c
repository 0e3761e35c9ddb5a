/*
 * The native side alone: no SQLite, no JVM; fake_sides.c stands in for both. Run by test.sh; prints its seed and says which
 * claim failed.
 */
#include "../../main/c/page1.h"
#include "../../main/c/registration.h"
#include "check.h"
#include "fake_sides.h"

#include <pthread.h>
#include <string.h>

int sluice_backend_register(sluice_open_call, sluice_read_call, sluice_pin_call, sluice_unpin_call, sluice_ask_call,
                            sluice_close_call);
int sluice_backend_unregister(int timeout_millis);
int sluice_is_interrupted(int64_t self);
int sqlite3_sluice_init(sq_db *db, char **out_message, const sq_api *api);

static uint64_t random_state;
static uint32_t next_random(uint32_t bound) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)((random_state >> 11) % bound);
}

static _Atomic int hammer_done;

static void read_ranges(sq_file *file, int count) {
    for (int i = 0; i < count; i++) {
        uint32_t offset = next_random(IMAGE_BYTES + PAGE_BYTES);
        uint32_t amount = next_random(3 * PAGE_BYTES) + 1;
        if (i % 4 == 0) {
            offset = next_random(128);
            amount = next_random(128) + 1;
        }
        uint8_t *dst = malloc(amount); /* of exactly this size, for the sanitizer's sake */
        CHECK(dst != NULL);
        memset(dst, 0xee, amount);
        int rc = file->methods->xRead(file, dst, (int)amount, offset);
        CHECK(rc == (offset + amount <= IMAGE_BYTES ? SQ_OK : SQ_IOERR_SHORT_READ));
        for (uint32_t j = 0; j < amount; j++) {
            CHECK(dst[j] == (offset + j < IMAGE_BYTES ? expected[offset + j] : 0));
        }
        free(dst);
    }
}

static void every_range_reads_as_the_patched_image(void) {
    for (uint32_t i = 0; i < IMAGE_BYTES; i++) {
        image[i] = (uint8_t)next_random(256);
    }
    memcpy(expected, image, sizeof image);
    served = new_control(SLOTS);
    sluice_view *view = record(served, 0);
    write_view(view, 1);
    memcpy(view->header, image, sizeof view->header);
    static const int viewed[] = {18, 19, 24, 25, 26, 27, 28, 29, 30, 31, 92, 93, 94, 95};
    for (size_t i = 0; i < sizeof viewed / sizeof viewed[0]; i++) {
        view->header[viewed[i]] = expected[viewed[i]] = (uint8_t)(image[viewed[i]] ^ 0xff);
    }
    for (int through_slots = 0; through_slots <= 1; through_slots++) {
        for (always_pinned = 0; always_pinned <= 1; always_pinned++) {
            if (through_slots) {
                publish(served, 1, 0);
            }
            sq_file *file = open_file();
            int64_t size = 0;
            CHECK(file->methods->xFileSize(file, &size) == SQ_OK && size == IMAGE_BYTES);
            read_ranges(file, 4000);
            CHECK(file->methods->xLock(file, SQ_LOCK_SHARED) == SQ_OK);
            read_ranges(file, 4000);
            CHECK(file->methods->xUnlock(file, SQ_LOCK_NONE) == SQ_OK);
            close_file(file);
        }
    }
    always_pinned = 0;
}

static void failures_are_codes(void) {
    uint8_t page[PAGE_BYTES];
    sq_file *file = open_file();
    failing_code = SQ_INTERRUPT;
    CHECK(file->methods->xRead(file, page, PAGE_BYTES, PAGE_BYTES) == SQ_INTERRUPT);
    failing_code = SQ_OK;
    CHECK(file->methods->xRead(file, page, PAGE_BYTES, PAGE_BYTES) == SQ_OK);
    CHECK(file->methods->xWrite(file, page, PAGE_BYTES, 0) == SQ_READONLY);
    CHECK(file->methods->xTruncate(file, 0) == SQ_READONLY);
    CHECK(file->methods->xRead(file, page, -1, 0) == SQ_IOERR_READ);
    close_file(file);

    failing_code = SQ_CANTOPEN;
    file = open_file();
    CHECK(file->methods->xRead(file, page, SLUICE_HEADER_BYTES, 0) == SQ_IOERR_SHORT_READ && page[0] == 0);
    CHECK(file->methods->xRead(file, page, PAGE_BYTES, 0) == SQ_CANTOPEN);
    CHECK(file->methods->xLock(file, SQ_LOCK_SHARED) == SQ_CANTOPEN);
    char text[SLUICE_TEXT_BYTES];
    CHECK(sluice_answer((sluice_file *)(void *)file, SLUICE_ASK_ERROR, text) == SQ_OK && strcmp(text, "because") == 0);
    failing_code = SQ_OK;
    close_file(file);
}

static void nothing_said_is_never_success(void) {
    uint8_t page[PAGE_BYTES];
    char text[SLUICE_TEXT_BYTES];
    sq_file *file = open_file();
    answers_nothing = 1;
    CHECK(file->methods->xRead(file, page, PAGE_BYTES, PAGE_BYTES) == SQ_IOERR_READ);
    CHECK(sluice_answer((sluice_file *)(void *)file, SLUICE_ASK_ERROR, text) == SQ_IOERR && text[0] != '\0');
    atomic_store(&served->publish, 0); /* the pin goes through Java */
    CHECK(file->methods->xLock(file, SQ_LOCK_SHARED) == SQ_IOERR_LOCK);
    sq_file *failed = open_file();
    CHECK(failed->methods->xLock(failed, SQ_LOCK_SHARED) == SQ_CANTOPEN);
    CHECK(sluice_answer((sluice_file *)(void *)failed, SLUICE_ASK_ERROR, text) == SQ_OK && text[0] != '\0');
    answers_nothing = 0;
    close_file(failed);
    publish(served, 1, 0);
    failing_code = 0x7777; /* nor is a code that is none of ours */
    CHECK(file->methods->xRead(file, page, PAGE_BYTES, PAGE_BYTES) == SQ_IOERR_READ);
    failing_code = SQ_IOERR_SHORT_READ;
    CHECK(file->methods->xRead(file, page, PAGE_BYTES, PAGE_BYTES) == SQ_IOERR_READ);
    failing_code = SQ_OK;
    close_file(file);
}

static void interrupts_are_seen_where_sqlite_can_be_asked(void) {
    sq_file *file = open_file();
    int64_t self = (int64_t)(intptr_t)file;
    is_interrupted = 1;
    CHECK(sluice_is_interrupted(self) == 0); /* SQLite has not said whose it is */
    sq_db *db = (sq_db *)(void *)image; /* any address */
    CHECK(file->methods->xFileControl(file, SQ_FCNTL_PDB, &db) == SQ_OK);
    CHECK(sluice_is_interrupted(self) == 1);
    is_interrupted = 0;
    CHECK(sluice_is_interrupted(self) == 0);
    sq_api old = api;
    old.libversion_number = api_old_version;
    old.is_interrupted = NULL; /* its table ends before */
    ((sluice_file *)(void *)file)->api = &old;
    CHECK(sluice_is_interrupted(self) == 0);
    close_file(file);
}

static void moved_file_pins_through_java(void) {
    uint8_t page[PAGE_BYTES];
    char text[SLUICE_TEXT_BYTES] = "then";
    sq_file *base = open_file();
    sluice_file *file = (sluice_file *)(void *)base;
    sq_db *db = (sq_db *)(void *)image;
    CHECK(base->methods->xFileControl(base, SQ_FCNTL_PDB, &db) == SQ_OK);
    is_in_transaction = 1;
    CHECK(sluice_answer(file, SLUICE_ASK_SET_TIME, text) == SQ_ERROR && strstr(text, "transaction") != NULL);
    is_in_transaction = 0;
    CHECK(base->methods->xLock(base, SQ_LOCK_SHARED) == SQ_OK);
    CHECK(file->view != &file->java_view);
    CHECK(sluice_answer(file, SLUICE_ASK_WAIT_TXID, text) == SQ_ERROR && strstr(text, "transaction") != NULL);
    CHECK(base->methods->xUnlock(base, SQ_LOCK_NONE) == SQ_OK);
    CHECK(sluice_answer(file, SLUICE_ASK_SET_TIME, text) == SQ_OK && strcmp(text, "answer") == 0);
    CHECK(base->methods->xLock(base, SQ_LOCK_SHARED) == SQ_OK);
    CHECK(file->view == &file->java_view && atomic_load(&file->slot->word) == 0);
    CHECK(base->methods->xRead(base, page, PAGE_BYTES, PAGE_BYTES) == SQ_OK);
    CHECK(base->methods->xUnlock(base, SQ_LOCK_NONE) == SQ_OK);
    CHECK(sluice_answer(file, SLUICE_ASK_WAIT_TXID, text) == SQ_ERROR && strstr(text, "LATEST") != NULL);
    close_file(base);
}

static void journal_names_are_nobodys(void) {
    char path[64];
    char other[64];
    char sidecar[80];
    CHECK(registered->xFullPathname(registered, "name", sizeof path, path) == SQ_OK);
    CHECK(registered->xFullPathname(registered, "name", sizeof other, other) == SQ_OK && strcmp(path, other) != 0);
    CHECK(registered->xFullPathname(registered, "name", 8, other) == SQ_CANTOPEN);
    static const char *const suffixes[] = {"-journal", "-wal", "-mj00000000"};
    static const int flags[] = {0x00000800, 0x00080000, SQ_OPEN_SUPER_JOURNAL | SQ_OPEN_CREATE};
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(sidecar, sizeof sidecar, "%s%s", path, suffixes[i]);
        int there = 1;
        CHECK(registered->xAccess(registered, sidecar, 0, &there) == SQ_OK && there == 0);
        CHECK(registered->xDelete(registered, sidecar, 0) == SQ_OK);
        sq_file file;
        int out_flags;
        CHECK(registered->xOpen(registered, sidecar, &file, flags[i], &out_flags) == SQ_CANTOPEN);
    }
}

static void local_paths_fit_the_default_vfs(void) {
    char name[600];
    char path[600];
    for (int bytes = 500; bytes <= 545; bytes++) {
        memset(name, 'p', sizeof name);
        name[0] = '/'; /* a local file */
        name[bytes] = '\0';
        int rc = registered->xFullPathname(registered, name, registered->path_bytes_max + 1, path);
        CHECK(rc == (bytes + 8 <= default_vfs.path_bytes_max ? SQ_OK : SQ_CANTOPEN));
    }
}

/* Each round another SQLite, as a redeployed application brings one; more of them than there are entries. */
static void entries_are_used_again(void) {
    static sq_api others[3 * SLUICE_REGISTRATIONS_MAX];
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        CHECK(sluice_backend_unregister(1000) == SQ_OK);
        CHECK(registered == NULL);
        others[i] = api;
        CHECK(sqlite3_sluice_init(NULL, NULL, &others[i]) == SQ_OK_LOAD_PERMANENTLY);
        CHECK(registered != NULL);
        CHECK(sluice_backend_register(serve_open, serve_read, serve_pin, serve_unpin, serve_ask, serve_close) == SQ_OK);
    }
}

/* A connection from before the goodbye holds the VFS and calls through it, also while it is registered again. */
static void registering_again_leaves_the_vfs_as_it_is(void) {
    sq_vfs *held = registered;
    int marked = held->file_bytes + 1;
    held->file_bytes = marked; /* filling it in again would undo this */
    CHECK(sluice_backend_unregister(1000) == SQ_OK);
    CHECK(registered == NULL);
    CHECK(sqlite3_sluice_init(NULL, NULL, &api) == SQ_OK_LOAD_PERMANENTLY);
    CHECK(registered == held && held->file_bytes == marked);
    held->file_bytes = marked - 1;
    CHECK(sluice_backend_register(serve_open, serve_read, serve_pin, serve_unpin, serve_ask, serve_close) == SQ_OK);
}

static void *open_often(void *arg) {
    (void)arg;
    while (!atomic_load_explicit(&hammer_done, memory_order_relaxed)) {
        sq_file *file = malloc((size_t)default_vfs.file_bytes + sizeof(sluice_file));
        CHECK(file != NULL);
        sluice_registration *registration = sluice_registration_use(&api);
        CHECK(registration != NULL);
        CHECK(sluice_file_open((sluice_file *)(void *)file, registration, "name", SQ_OPEN_MAIN_DB) == SQ_OK);
        close_file(file);
        atomic_fetch_sub(&registration->users, 1);
    }
    return NULL;
}

/* The memory of the control is unmapped right after the goodbye. */
static void goodbye_while_a_file_is_opened(void) {
    atomic_store(&hammer_done, 0);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, open_often, NULL) == 0);
    for (int i = 0; i < 3000; i++) {
        CHECK(sluice_backend_unregister(10000) == SQ_OK);
        sluice_control *last = served;
        served = new_control(SLOTS);
        sluice_memory_unmap((int64_t)(intptr_t)last);
        CHECK(sluice_backend_register(serve_open, serve_read, serve_pin, serve_unpin, serve_ask, serve_close) == SQ_OK);
    }
    atomic_store(&hammer_done, 1);
    CHECK(pthread_join(thread, NULL) == 0);
    open_files = 0;
}

static void goodbye_ends_every_call(void) {
    uint8_t page[PAGE_BYTES];
    sq_file *file = open_file();
    CHECK(sluice_backend_register(serve_open, serve_read, serve_pin, serve_unpin, serve_ask, serve_close) == SQ_BUSY);
    CHECK(sluice_backend_unregister(1000) == SQ_OK);
    CHECK(file->methods->xLock(file, SQ_LOCK_SHARED) != SQ_OK);
    CHECK(sluice_backend_register(serve_open, serve_read, serve_pin, serve_unpin, serve_ask, serve_close) == SQ_OK);
    CHECK(file->methods->xRead(file, page, PAGE_BYTES, 0) != SQ_OK); /* it was opened with another */
    close_file(file);
    CHECK(open_files == 1); /* Java closes what is still open when it says goodbye */
    open_files = 0;
    sluice_memory_unmap((int64_t)(intptr_t)served); /* the file has let go of it */
}

int main(int argc, char **argv) {
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 20261101;
    random_state = seed == 0 ? 1 : seed;
    printf("native_test: seed %llu\n", (unsigned long long)seed);
    CHECK(sqlite3_sluice_init(NULL, NULL, &api) == SQ_OK_LOAD_PERMANENTLY);
    CHECK(sqlite3_sluice_init(NULL, NULL, &api) == SQ_OK_LOAD_PERMANENTLY);
    CHECK(auto_extensions == 2); /* sqlite3_shutdown may have come between */
    CHECK(sluice_backend_register(serve_open, serve_read, serve_pin, serve_unpin, serve_ask, serve_close) == SQ_OK);
    every_range_reads_as_the_patched_image();
    CHECK(open_files == 0);
    failures_are_codes();
    nothing_said_is_never_success();
    interrupts_are_seen_where_sqlite_can_be_asked();
    moved_file_pins_through_java();
    journal_names_are_nobodys();
    local_paths_fit_the_default_vfs();
    registering_again_leaves_the_vfs_as_it_is();
    goodbye_while_a_file_is_opened();
    CHECK(sqlite3_sluice_init(NULL, NULL, &api) == SQ_OK_LOAD_PERMANENTLY);
    goodbye_ends_every_call();
    entries_are_used_again();
    return 0;
}
