#include "fake_sides.h"

#include "check.h"

#include <string.h>

uint8_t image[IMAGE_BYTES];    /* what Java holds */
uint8_t expected[IMAGE_BYTES]; /* what SQLite shall see */
sluice_control *served;
int open_files;
int failing_code;

int answers_nothing; /* 0 is what an exception leaves that got out of a callback */

int serve_open(int64_t address) {
    sluice_open_request *request = (sluice_open_request *)(intptr_t)address;
    const char *text = (const char *)(intptr_t)request->parameters;
    CHECK(strcmp(text, "name") == 0 && strcmp(text + 5, "vfs") == 0 && strcmp(text + 9, "v") == 0);
    CHECK(request->parameters_bytes == 11);
    if (answers_nothing) {
        return 0;
    }
    if (failing_code != SQ_OK) {
        (void)snprintf(request->reason, sizeof request->reason, "because");
        return failing_code;
    }
    request->file = 7;
    request->control = (int64_t)(intptr_t)served;
    open_files++;
    return SLUICE_DONE;
}

int serve_read(int64_t file, int64_t word, int64_t pgno, int64_t dst, int bytes) {
    CHECK(file == 7 && bytes == PAGE_BYTES && pgno >= 1 && pgno <= PAGES);
    CHECK(word == 0 || word == (1 << 16 | 0));
    if (failing_code != SQ_OK || answers_nothing) {
        return failing_code;
    }
    memcpy((void *)(intptr_t)dst, image + (pgno - 1) * PAGE_BYTES, PAGE_BYTES);
    return SLUICE_DONE;
}

int serve_pin(int64_t file, int64_t out_view) {
    CHECK(file == 7);
    if (answers_nothing) {
        return 0;
    }
    memcpy((void *)(intptr_t)out_view, record(served, 0), sizeof(sluice_view));
    return SLUICE_DONE;
}

int serve_unpin(int64_t file) {
    CHECK(file == 7);
    return SLUICE_DONE;
}

int serve_ask(int64_t file, int question, int64_t argument, int64_t text, int capacity) {
    (void)argument;
    CHECK(file == 7 && question >= SLUICE_ASK_TIME);
    return answers_nothing ? 0 : snprintf((char *)(intptr_t)text, (size_t)capacity, "answer") + 1;
}

int serve_close(int64_t file) {
    CHECK(file == 7);
    open_files--;
    return SLUICE_DONE;
}

static int default_full_pathname(sq_vfs *vfs, const char *name, int capacity, char *out_path) {
    (void)vfs;
    int bytes = snprintf(out_path, (size_t)capacity, "%s", name);
    return bytes < capacity ? SQ_OK : SQ_CANTOPEN;
}

sq_vfs *registered;
sq_vfs default_vfs = {
    .version = 2,
    .file_bytes = 16,
    .path_bytes_max = 512,
    .name = "default",
    .xFullPathname = default_full_pathname,
};
static int api_version(void) { return 3045000; }
int api_old_version(void) { return 3040001; }
static sq_vfs *api_vfs_find(const char *name) { return name == NULL ? &default_vfs : registered; }
static int api_vfs_register(sq_vfs *vfs, int make_default) {
    CHECK(make_default == 0);
    registered = vfs;
    return SQ_OK;
}
static int api_vfs_unregister(sq_vfs *vfs) {
    CHECK(vfs == registered);
    registered = NULL;
    return SQ_OK;
}
int auto_extensions;
static int api_auto_extension(void (*entry)(void)) {
    auto_extensions++;
    return entry == NULL ? SQ_ERROR : SQ_OK;
}
static int api_cancel_auto_extension(void (*entry)(void)) { return entry != NULL; }
static const char *api_uri_key(const char *name, int index) {
    (void)name;
    return index == 0 ? "vfs" : NULL;
}
static const char *api_uri_parameter(const char *name, const char *key) {
    return name[0] != '/' && strcmp(key, "vfs") == 0 ? "v" : NULL;
}
int always_pinned;
static int api_uri_boolean(const char *name, const char *key, int otherwise) {
    (void)name;
    return strcmp(key, "immutable") == 0 ? always_pinned : otherwise;
}

int is_in_transaction;
static int api_get_autocommit(sq_db *db) {
    CHECK(db != NULL);
    return !is_in_transaction;
}
int is_interrupted;
static int api_is_interrupted(sq_db *db) {
    CHECK(db != NULL);
    return is_interrupted;
}

const sq_api api = {
    .libversion_number = api_version,
    .get_autocommit = api_get_autocommit,
    .is_interrupted = api_is_interrupted,
    .vfs_find = api_vfs_find,
    .vfs_register = api_vfs_register,
    .vfs_unregister = api_vfs_unregister,
    .auto_extension = api_auto_extension,
    .cancel_auto_extension = api_cancel_auto_extension,
    .uri_key = api_uri_key,
    .uri_parameter = api_uri_parameter,
    .uri_boolean = api_uri_boolean,
};

sq_file *open_file(void) {
    char path[64];
    CHECK(registered->xFullPathname(registered, "name", sizeof path, path) == SQ_OK);
    sq_file *file = malloc((size_t)registered->file_bytes);
    CHECK(file != NULL);
    int out_flags = 0;
    CHECK(registered->xOpen(registered, path, file, SQ_OPEN_MAIN_DB | SQ_OPEN_READWRITE, &out_flags) == SQ_OK);
    CHECK(out_flags == (SQ_OPEN_MAIN_DB | SQ_OPEN_READONLY));
    return file;
}

void close_file(sq_file *file) {
    CHECK(file->methods->xClose(file) == SQ_OK);
    free(file);
}
