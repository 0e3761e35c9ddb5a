/*
 * libsluice: read replicas as SQLite databases. Loading the extension registers the VFS "litestream" for good:
 *
 *     SELECT load_extension('/path/libsluice.so', 'sqlite3_sluice_init');
 *     ATTACH 'file:NAME?vfs=litestream&replica_url=...' AS replica;
 *
 * The main database file is ours (file.c). Temporary files go to the default VFS. A replica has no journal and no WAL: a
 * file of such a name lying about is none of ours.
 */
#include "file.h"
#include "registration.h"

#include <string.h>

static sq_vfs *fallback_of(const sq_vfs *vfs) {
    return ((const sluice_registration *)vfs->app_data)->fallback;
}

static bool ends_with(const char *text, const char *suffix) {
    size_t text_bytes = strlen(text);
    size_t suffix_bytes = strlen(suffix);
    return text_bytes >= suffix_bytes && memcmp(text + text_bytes - suffix_bytes, suffix, suffix_bytes) == 0;
}

static bool is_sidecar(const char *name) {
    return name != NULL && (ends_with(name, "-journal") || ends_with(name, "-wal") || ends_with(name, "-shm"));
}

static int vfs_open(sq_vfs *vfs, const char *name, sq_file *file, int flags, int *out_flags) {
    const sluice_registration *registration = vfs->app_data;
    const int kept_elsewhere =
        SQ_OPEN_TEMP_DB | SQ_OPEN_TEMP_JOURNAL | SQ_OPEN_TRANSIENT_DB | SQ_OPEN_SUBJOURNAL | SQ_OPEN_SUPER_JOURNAL;
    if ((flags & kept_elsewhere) != 0) {
        return registration->fallback->xOpen(registration->fallback, name, file, flags, out_flags);
    }
    file->methods = NULL;
    if ((flags & SQ_OPEN_MAIN_DB) == 0 || name == NULL) {
        return SQ_CANTOPEN;
    }
    int rc = sluice_file_open((sluice_file *)(void *)file, registration->api, name, flags);
    if (rc == SQ_OK && out_flags != NULL) {
        *out_flags = (flags & ~(SQ_OPEN_READWRITE | SQ_OPEN_CREATE)) | SQ_OPEN_READONLY;
    }
    return rc;
}

static int vfs_delete(sq_vfs *vfs, const char *name, int sync_dir) {
    return is_sidecar(name) ? SQ_OK : fallback_of(vfs)->xDelete(fallback_of(vfs), name, sync_dir);
}

static int vfs_access(sq_vfs *vfs, const char *name, int flags, int *out_result) {
    if (is_sidecar(name)) {
        *out_result = 0;
        return SQ_OK;
    }
    return fallback_of(vfs)->xAccess(fallback_of(vfs), name, flags, out_result);
}

/* A replica's name is a label, not a path: it is kept as it is. */
static int vfs_full_pathname(sq_vfs *vfs, const char *name, int capacity, char *out_path) {
    (void)vfs;
    size_t bytes = strlen(name) + 1;
    if (capacity < 0 || bytes > (size_t)capacity) {
        return SQ_CANTOPEN;
    }
    memcpy(out_path, name, bytes);
    return SQ_OK;
}

static void *vfs_dl_open(sq_vfs *vfs, const char *name) {
    return fallback_of(vfs)->xDlOpen(fallback_of(vfs), name);
}

static void vfs_dl_error(sq_vfs *vfs, int capacity, char *out_message) {
    fallback_of(vfs)->xDlError(fallback_of(vfs), capacity, out_message);
}

static void (*vfs_dl_sym(sq_vfs *vfs, void *library, const char *symbol))(void) {
    return fallback_of(vfs)->xDlSym(fallback_of(vfs), library, symbol);
}

static void vfs_dl_close(sq_vfs *vfs, void *library) {
    fallback_of(vfs)->xDlClose(fallback_of(vfs), library);
}

static int vfs_randomness(sq_vfs *vfs, int count, char *out_bytes) {
    return fallback_of(vfs)->xRandomness(fallback_of(vfs), count, out_bytes);
}

static int vfs_sleep(sq_vfs *vfs, int micros) {
    return fallback_of(vfs)->xSleep(fallback_of(vfs), micros);
}

static int vfs_current_time(sq_vfs *vfs, double *out_julian_day) {
    return fallback_of(vfs)->xCurrentTime(fallback_of(vfs), out_julian_day);
}

static int vfs_get_last_error(sq_vfs *vfs, int capacity, char *out_message) {
    return fallback_of(vfs)->xGetLastError(fallback_of(vfs), capacity, out_message);
}

static int vfs_current_time_int64(sq_vfs *vfs, int64_t *out_julian_millis) {
    return fallback_of(vfs)->xCurrentTimeInt64(fallback_of(vfs), out_julian_millis);
}

void sluice_vfs_prepare(sluice_registration *registration) {
    const sq_vfs *fallback = registration->fallback;
    int own_bytes = (int)sizeof(sluice_file);
    registration->vfs = (sq_vfs){
        .version = fallback->version >= 2 ? 2 : 1,
        .file_bytes = fallback->file_bytes > own_bytes ? fallback->file_bytes : own_bytes,
        .path_bytes_max = fallback->path_bytes_max,
        .name = "litestream",
        .app_data = registration,
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_full_pathname,
        .xDlOpen = vfs_dl_open,
        .xDlError = vfs_dl_error,
        .xDlSym = vfs_dl_sym,
        .xDlClose = vfs_dl_close,
        .xRandomness = vfs_randomness,
        .xSleep = vfs_sleep,
        .xCurrentTime = vfs_current_time,
        .xGetLastError = vfs_get_last_error,
        .xCurrentTimeInt64 = fallback->version >= 2 ? vfs_current_time_int64 : NULL,
    };
}
