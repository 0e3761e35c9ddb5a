/*
 * libsluice: read replicas as SQLite databases. Loading the extension registers the VFS "litestream" for good:
 *
 *     SELECT load_extension('/path/libsluice.so', 'sqlite3_sluice_init');
 *     ATTACH 'file:NAME?vfs=litestream&replica_url=...' AS replica;
 *
 * The main database file is ours (file.c). Temporary files go to the default VFS. A replica has no journal and no WAL: a
 * file of such a name lying about is none of ours.
 *
 * SQLite takes this VFS also for what a connection to a replica attaches or vacuums into by a plain name. Such a file is
 * an ordinary one, and the default VFS has it with all that belongs to it.
 */
#include "file.h"
#include "path.h"
#include "registration.h"

#include <stddef.h>

static sq_vfs *fallback_of(const sq_vfs *vfs) {
    return ((const sluice_registration *)vfs->app_data)->fallback;
}

/* Returns whether a name of SQLite's, with its parameters behind it, is that of a replica. */
static bool is_replica(const sluice_registration *registration, const char *name) {
    static const char *const ours[] = {
        "vfs",       "replica_url",   "replica_open", "txid",
        "timestamp", "poll_interval", "cache_dir",    "read_timeout",
        "page_cache_size", "rescue_bytes",
    };
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        if (registration->api->uri_parameter(name, ours[i]) != NULL) {
            return true;
        }
    }
    return false;
}

/* Returns whether the path is of a file that a replica would have beside it, and has not. */
static bool is_sidecar(const char *path) {
    return sluice_path_label(path) != NULL;
}

static int open_elsewhere(sq_vfs *vfs, const char *name, sq_file *file, int flags, int *out_flags) {
    sq_vfs *fallback = fallback_of(vfs);
    return fallback->xOpen(fallback, name, file, flags, out_flags);
}

static int vfs_open(sq_vfs *vfs, const char *name, sq_file *file, int flags, int *out_flags) {
    sluice_registration *registration = vfs->app_data;
    const int temporary = SQ_OPEN_TEMP_DB | SQ_OPEN_TEMP_JOURNAL | SQ_OPEN_TRANSIENT_DB | SQ_OPEN_SUBJOURNAL;
    if ((flags & temporary) != 0) {
        return open_elsewhere(vfs, name, file, flags, out_flags);
    }
    file->methods = NULL;
    if (name == NULL || ((flags & SQ_OPEN_MAIN_DB) == 0 && is_sidecar(name))) {
        /* A super-journal too: a crash would have to find it again, and a replica's path is nowhere. */
        return SQ_CANTOPEN;
    }
    if ((flags & SQ_OPEN_MAIN_DB) == 0 || !is_replica(registration, name)) {
        return open_elsewhere(vfs, name, file, flags, out_flags);
    }
    int rc = sluice_file_open((sluice_file *)(void *)file, registration, name, flags);
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

static int vfs_full_pathname(sq_vfs *vfs, const char *name, int capacity, char *out_path) {
    if (is_replica(vfs->app_data, name)) {
        return sluice_path_make(name, capacity, out_path);
    }
    /* The default VFS has buffers for its own longest path, "-journal" included; SQLite holds us to ours, a longer one. */
    sq_vfs *fallback = fallback_of(vfs);
    int allowed = fallback->path_bytes_max + 1 - (int)(sizeof "-journal" - 1);
    return fallback->xFullPathname(fallback, name, capacity < allowed ? capacity : allowed, out_path);
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
        .path_bytes_max = fallback->path_bytes_max + SLUICE_PATH_LEAD_BYTES,
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
