/*
 * The io methods. A file that could not be opened stays open as a *failed file*: xOpen has no way to say why, a PRAGMA
 * has. Its header reads as empty, so that sqlite3_open succeeds; everything else answers the code of the failure.
 */
#include "file.h"

#include "memory.h"
#include "page1.h"

#include <stdlib.h>
#include <string.h>

/* A failed file says it has this many bytes. */
#define FAILED_FILE_BYTES 65536

static int64_t transaction(const sluice_file *file) {
    return atomic_load_explicit(&file->open.counters.locks, memory_order_relaxed);
}

void sluice_note_read(sluice_file *file, int rc) {
    if (rc == SQ_INTERRUPT) {
        return; /* nothing is wrong then */
    }
    if (rc != SQ_OK) {
        file->has_failed_read = true;
        file->has_healed = false;
        file->failed_in = transaction(file);
    } else if (file->has_failed_read && !file->has_healed) {
        file->healed_in = transaction(file);
        /* integrity_check reads on after a page that it could not have */
        file->has_healed = file->healed_in > file->failed_in || file->healed_in == 0;
    }
}

bool sluice_has_healed(const sluice_file *file) {
    return file->has_healed && (transaction(file) > file->healed_in || file->healed_in == 0); /* 0: it never locks */
}

static int read_page(sluice_file *file, uint32_t pgno, uint8_t *dst) {
    if (!sluice_call_begin(&file->open)) {
        return SQ_IOERR_READ;
    }
    int returned = file->open.backend->read(file->java, (int64_t)sluice_view_word(file), (int64_t)pgno,
                                            (int64_t)(intptr_t)dst, (int)file->view->page_size);
    sluice_call_end(&file->open);
    sluice_count(&file->open.counters.page_reads);
    int rc = sluice_code_of(returned, SQ_IOERR_READ);
    sluice_note_read(file, rc);
    return rc;
}

/*
 * Returns whether the page store says what the view is like: it does of every view up to the published one, and a view
 * that was pinned through Java may be a later one. Nobody answers for a replica whose backend has gone.
 */
static bool may_read_store(const sluice_file *file) {
    if (file->store == NULL || !sluice_backend_is_current(&file->open)) {
        return false;
    }
    /* acquire: before the tags; every page in the store was as of this TXID, or a later one, when it was published */
    return file->view != &file->java_view ||
           (file->control != NULL &&
            file->view->txid <= atomic_load_explicit(&file->control->publish, memory_order_acquire) >> 16);
}

static int read_part_of_page(sluice_file *file, uint32_t pgno, uint32_t from, uint32_t amount, uint8_t *dst) {
    if (may_read_store(file) && sluice_store_read(file->store, file->view, pgno, from, amount, dst)) {
        sluice_count(&file->open.counters.store_reads);
        sluice_note_read(file, SQ_OK);
        return SQ_OK;
    }
    uint32_t page_size = file->view->page_size;
    if (amount == page_size) {
        return read_page(file, pgno, dst);
    }
    if (file->scratch_bytes < page_size) {
        uint8_t *larger = realloc(file->scratch, page_size);
        if (larger == NULL) {
            return SQ_NOMEM;
        }
        file->scratch = larger;
        file->scratch_bytes = page_size;
    }
    int rc = read_page(file, pgno, file->scratch);
    if (rc == SQ_OK) {
        memcpy(dst, file->scratch + from, amount);
    }
    return rc;
}

/* Reads any range of the pinned view. */
static int read_view(sluice_file *file, uint8_t *dst, uint64_t amount, uint64_t offset) {
    const sluice_view *view = file->view;
    uint64_t end = (uint64_t)view->commit * view->page_size;
    while (amount > 0 && offset < end) {
        uint32_t from = (uint32_t)(offset % view->page_size);
        uint32_t rest = view->page_size - from;
        uint32_t part = amount < rest ? (uint32_t)amount : rest;
        uint32_t pgno = (uint32_t)(offset / view->page_size) + 1;
        if (offset + part <= SLUICE_HEADER_BYTES) {
            memcpy(dst, view->header + from, part);
            sluice_count(&file->open.counters.header_reads);
        } else {
            int rc = read_part_of_page(file, pgno, from, part, dst);
            if (rc != SQ_OK) {
                return rc;
            }
            if (pgno == 1) {
                sluice_page1_patch(dst, from, part, view->header);
            }
        }
        dst += part;
        offset += part;
        amount -= part;
    }
    if (amount > 0) {
        memset(dst, 0, (size_t)amount);
        return SQ_IOERR_SHORT_READ;
    }
    return SQ_OK;
}

static int file_read(sq_file *base, void *dst, int amount, int64_t offset) {
    sluice_file *file = (sluice_file *)(void *)base;
    if (amount < 0 || offset < 0) {
        return SQ_IOERR_READ;
    }
    if (file->failure != SQ_OK && offset == 0 && amount == SLUICE_HEADER_BYTES) {
        memset(dst, 0, (size_t)amount);
        return SQ_IOERR_SHORT_READ;
    }
    bool taken;
    int rc = sluice_view_enter(file, &taken);
    if (rc == SQ_OK) {
        rc = read_view(file, dst, (uint64_t)amount, (uint64_t)offset);
    }
    sluice_view_leave(file, taken);
    return rc;
}

static int file_size(sq_file *base, int64_t *out_size) {
    sluice_file *file = (sluice_file *)(void *)base;
    if (file->failure != SQ_OK) {
        /* With immutable=1 SQLite asks before the first PRAGMA can; a size > 0 makes it read page 1, and fail there. */
        *out_size = FAILED_FILE_BYTES;
        return SQ_OK;
    }
    bool taken;
    int rc = sluice_view_enter(file, &taken);
    if (rc == SQ_OK) {
        *out_size = (int64_t)file->view->commit * file->view->page_size;
    }
    sluice_view_leave(file, taken);
    return rc;
}

static int file_lock(sq_file *base, int level) {
    sluice_file *file = (sluice_file *)(void *)base;
    if (file->failure != SQ_OK) {
        return file->failure;
    }
    if (level > SQ_LOCK_SHARED) {
        return SQ_READONLY;
    }
    if (level == SQ_LOCK_SHARED && file->lock_level == SQ_LOCK_NONE) {
        bool taken;
        int rc = sluice_view_enter(file, &taken);
        if (rc != SQ_OK) {
            return rc;
        }
        sluice_count(&file->open.counters.locks);
        file->lock_level = SQ_LOCK_SHARED;
    }
    return SQ_OK;
}

static int file_unlock(sq_file *base, int level) {
    sluice_file *file = (sluice_file *)(void *)base;
    if (level == SQ_LOCK_NONE && file->lock_level != SQ_LOCK_NONE) {
        file->lock_level = SQ_LOCK_NONE;
        if (!file->is_always_pinned) {
            sluice_view_unpin(file);
        }
    }
    return SQ_OK;
}

static int file_check_reserved_lock(sq_file *base, int *out_reserved) {
    (void)base;
    *out_reserved = 0;
    return SQ_OK;
}

static int file_write(sq_file *base, const void *src, int amount, int64_t offset) {
    (void)base;
    (void)src;
    (void)amount;
    (void)offset;
    return SQ_READONLY;
}

static int file_truncate(sq_file *base, int64_t size) {
    (void)base;
    (void)size;
    return SQ_READONLY;
}

static int file_sync(sq_file *base, int flags) {
    (void)base;
    (void)flags;
    return SQ_OK;
}

static int file_sector_size(sq_file *base) {
    (void)base;
    return 4096;
}

static int file_device_characteristics(sq_file *base) {
    return ((sluice_file *)(void *)base)->is_fixed ? SQ_IOCAP_IMMUTABLE : 0;
}

static int file_close(sq_file *base) {
    sluice_file *file = (sluice_file *)(void *)base;
    sluice_view_unpin(file);
    if (file->slot != NULL) {
        sluice_slot_release(file->slot);
    }
    if (file->is_open_in_java && sluice_call_begin(&file->open)) {
        (void)file->open.backend->close(file->java); /* Java logs what fails here; SQLite ignores a close that fails */
        sluice_call_end(&file->open);
    }
    if (file->control != NULL) {
        sluice_memory_release(file->control);
    }
    if (file->store != NULL) {
        sluice_store_release(file->store);
    }
    free(file->scratch);
    sluice_open_file_remove(&file->open);
    /* release: nothing of the registration is used after this; pairs with entry_for */
    atomic_fetch_sub_explicit(&file->registration->users, 1, memory_order_release);
    return SQ_OK;
}

/*
 * Returns whether the connection was interrupted (sqlite3_interrupt) that waits in a call up for this file: its
 * open_request's `self`. Only inside such a call, on its thread. 0 too while the file is opened, when SQLite has not said
 * yet whose it is, and where SQLite is too old to be asked.
 */
SLUICE_EXPORT int sluice_is_interrupted(int64_t self);
int sluice_is_interrupted(int64_t self) {
    const sluice_file *file = (const sluice_file *)(intptr_t)self;
    return file->db != NULL && file->api->libversion_number() >= SQ_VERSION_IS_INTERRUPTED &&
           file->api->is_interrupted(file->db) != 0;
}

const sq_io_methods sluice_io_methods = {
    .version = 1,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_reserved_lock,
    .xFileControl = sluice_file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_device_characteristics,
};

sluice_file *sluice_file_of(const sq_api *api, sq_db *db, const char *schema) {
    sq_file *base = NULL;
    if (api->file_control(db, schema, SQ_FCNTL_FILE_POINTER, &base) != SQ_OK || base == NULL ||
        base->methods != &sluice_io_methods) {
        return NULL;
    }
    return (sluice_file *)(void *)base;
}
