#define _GNU_SOURCE
#define _DARWIN_C_SOURCE
#include "store.h"

#include "abi.h"
#include "backend.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#if defined(__linux__)
#include <sys/syscall.h>
#endif
#include <unistd.h>

#define CHUNK_BITS 14
#define CHUNK_PAGES (1u << CHUNK_BITS)
#define CHUNKS_MAX (1u << (32 - CHUNK_BITS))
#define EXTENT_BYTES 65536u
#define BOUND_SHIFT 16

typedef struct chunk {
    const uint8_t *pages; /* NULL where they are read by pread */
    const _Atomic uint64_t *tags;
    _Atomic uint8_t *marks; /* one an extent: whether it was read from since Java last asked */
} chunk;

struct sluice_store {
    _Atomic int64_t references;
    _Atomic uint32_t chunk_count; /* how many chunks readers may use */
    uint32_t page_size;
    uint32_t extent_pages;
    bool is_pread; /* as long as there is this store */
    pthread_mutex_t mutex; /* guards what follows */
    bool is_disabled;
    uint32_t mapped_count;
    int pages_fd;
    int tags_fd;
    chunk chunks[]; /* CHUNKS_MAX: memory that nobody has touched costs nothing */
};

static _Atomic int64_t store_count;

static sluice_store *store_at(int64_t address) {
    return (sluice_store *)(intptr_t)address;
}

/* False if the file has no such bytes, or the disk does not give them: then the page is as good as not here. */
static bool copy_by_pread(const sluice_store *store, uint64_t offset, uint32_t amount, uint8_t *dst) {
    ssize_t copied;
    do {
        copied = pread(store->pages_fd, dst, amount, (off_t)offset);
    } while (copied < 0 && errno == EINTR);
    return copied == (ssize_t)amount;
}

bool sluice_store_read(const sluice_store *store, const sluice_view *view, uint32_t pgno, uint32_t from,
                       uint32_t amount, uint8_t *dst) {
    uint32_t index = (pgno - 1) >> CHUNK_BITS;
    /* acquire: pairs with the release in sluice_store_grow, which comes after the chunk is mapped */
    if (index >= atomic_load_explicit(&store->chunk_count, memory_order_acquire) ||
        view->page_size != store->page_size) {
        return false;
    }
    const chunk *mapped = &store->chunks[index];
    uint32_t place = (pgno - 1) & (CHUNK_PAGES - 1);
    /*
     * A seqlock of which the kernel writes the data. Java sets the tag absent, fences, writes the page with pwrite, and
     * sets the new tag with release, which the first load acquires. The fence keeps the copy before the second load: if
     * any byte of a later write was copied, then that write's absent tag, or a tag after it, is seen here. A pread is a copy
     * like the other: the kernel makes it on this thread's processor, and from the same memory.
     */
    uint64_t tag = atomic_load_explicit(&mapped->tags[place], memory_order_acquire);
    uint64_t bound = tag >> BOUND_SHIFT;
    if (bound == 0 || bound > view->txid) {
        return false;
    }
    if (!store->is_pread) {
        memcpy(dst, mapped->pages + (size_t)place * store->page_size + from, amount);
    } else if (!copy_by_pread(store, (uint64_t)(pgno - 1) * store->page_size + from, amount, dst)) {
        return false;
    }
    atomic_thread_fence(memory_order_acquire);
    if (atomic_load_explicit(&mapped->tags[place], memory_order_relaxed) != tag) {
        return false;
    }
    /* relaxed: a hint; written only where it changes something, so that readers share the cache line */
    _Atomic uint8_t *mark = &mapped->marks[place / store->extent_pages];
    if (atomic_load_explicit(mark, memory_order_relaxed) == 0) {
        atomic_store_explicit(mark, 1, memory_order_relaxed);
    }
    return true;
}

void sluice_store_retain(sluice_store *store) {
    atomic_fetch_add_explicit(&store->references, 1, memory_order_relaxed);
}

static size_t page_bytes_of_chunk(const sluice_store *store) {
    return (size_t)CHUNK_PAGES * store->page_size;
}

static void close_files(sluice_store *store) {
    if (store->pages_fd >= 0) {
        (void)close(store->pages_fd); /* nothing was written by this descriptor */
        store->pages_fd = -1;
    }
    if (store->tags_fd >= 0) {
        (void)close(store->tags_fd);
        store->tags_fd = -1;
    }
}

void sluice_store_release(sluice_store *store) {
    /* acquire-release: every use by another holder happens before the unmapping */
    if (atomic_fetch_sub_explicit(&store->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    for (uint32_t i = 0; i < store->mapped_count; i++) {
        if (!store->is_pread) {
            munmap((void *)(uintptr_t)store->chunks[i].pages, page_bytes_of_chunk(store));
        }
        munmap((void *)(uintptr_t)store->chunks[i].tags, CHUNK_PAGES * sizeof(uint64_t));
        free(store->chunks[i].marks);
    }
    close_files(store);
    pthread_mutex_destroy(&store->mutex);
    free(store);
    atomic_fetch_sub_explicit(&store_count, 1, memory_order_relaxed);
}

int64_t sluice_store_count(void) {
    return atomic_load_explicit(&store_count, memory_order_relaxed);
}

/*
 * Makes a store without pages, with one reference, Java's; returns its address, or 0 if there is no memory. `reading` is
 * SLUICE_STORE_MMAP or SLUICE_STORE_PREAD.
 */
SLUICE_EXPORT int64_t sluice_store_new(int reading);
int64_t sluice_store_new(int reading) {
    sluice_store *store = calloc(1, sizeof *store + CHUNKS_MAX * sizeof(chunk));
    if (store == NULL) {
        return 0;
    }
    if (pthread_mutex_init(&store->mutex, NULL) != 0) {
        free(store);
        return 0;
    }
    atomic_store_explicit(&store->references, 1, memory_order_relaxed);
    store->is_pread = reading == SLUICE_STORE_PREAD;
    store->pages_fd = -1;
    store->tags_fd = -1;
    atomic_fetch_add_explicit(&store_count, 1, memory_order_relaxed);
    return (int64_t)(intptr_t)store;
}

/* Gives up Java's reference. */
SLUICE_EXPORT void sluice_store_free(int64_t store);
void sluice_store_free(int64_t store) {
    sluice_store_release(store_at(store));
}

/* Opens the files of a store that has none yet: SQ_OK, or SQ_CANTOPEN. */
SLUICE_EXPORT int sluice_store_attach(int64_t address, const char *pages_path, const char *tags_path, int page_size);
int sluice_store_attach(int64_t address, const char *pages_path, const char *tags_path, int page_size) {
    sluice_store *store = store_at(address);
    int rc = SQ_CANTOPEN;
    pthread_mutex_lock(&store->mutex);
    if (store->pages_fd < 0) {
        store->page_size = (uint32_t)page_size;
        store->extent_pages = store->page_size < EXTENT_BYTES ? EXTENT_BYTES / store->page_size : 1;
        store->pages_fd = open(pages_path, O_RDWR | O_CLOEXEC); /* for reading; for writing, to punch holes */
        store->tags_fd = open(tags_path, O_RDONLY | O_CLOEXEC);
        if (store->pages_fd >= 0 && store->tags_fd >= 0) {
            rc = SQ_OK;
        } else {
            close_files(store);
        }
    }
    pthread_mutex_unlock(&store->mutex);
    return rc;
}

static int map_chunk(sluice_store *store, uint32_t index) {
    size_t page_bytes = page_bytes_of_chunk(store);
    size_t tag_bytes = CHUNK_PAGES * sizeof(uint64_t);
    void *marks = calloc(CHUNK_PAGES / store->extent_pages, 1);
    void *pages = NULL;
    if (!store->is_pread) {
        pages = mmap(NULL, page_bytes, PROT_READ, MAP_SHARED, store->pages_fd, (off_t)(index * (uint64_t)page_bytes));
    }
    void *tags = mmap(NULL, tag_bytes, PROT_READ, MAP_SHARED, store->tags_fd, (off_t)(index * (uint64_t)tag_bytes));
    if (marks != NULL && pages != MAP_FAILED && tags != MAP_FAILED) {
        store->chunks[index] = (chunk){pages, tags, marks};
        return SQ_OK;
    }
    free(marks);
    if (pages != NULL && pages != MAP_FAILED) {
        munmap(pages, page_bytes);
    }
    if (tags != MAP_FAILED) {
        munmap(tags, tag_bytes);
    }
    return SQ_NOMEM;
}

/*
 * Lets readers use the first `count` chunks, which both files are long enough for: SQ_OK, SQ_NOMEM if not all of them can
 * be mapped, SQ_MISUSE if there are no files. After sluice_store_disable nothing happens.
 */
SLUICE_EXPORT int sluice_store_grow(int64_t address, int count);
int sluice_store_grow(int64_t address, int count) {
    sluice_store *store = store_at(address);
    if (count < 0 || (uint32_t)count > CHUNKS_MAX) {
        return SQ_MISUSE;
    }
    pthread_mutex_lock(&store->mutex);
    int rc = store->pages_fd < 0 ? SQ_MISUSE : SQ_OK;
    while (rc == SQ_OK && !store->is_disabled && store->mapped_count < (uint32_t)count) {
        rc = map_chunk(store, store->mapped_count);
        if (rc == SQ_OK) {
            store->mapped_count++;
            /* release: the chunk, and the page size, before the count; pairs with sluice_store_read */
            atomic_store_explicit(&store->chunk_count, store->mapped_count, memory_order_release);
        }
    }
    pthread_mutex_unlock(&store->mutex);
    return rc;
}

/* From now on every read is a miss; copies under way end with what they began with. */
SLUICE_EXPORT void sluice_store_disable(int64_t address);
void sluice_store_disable(int64_t address) {
    sluice_store *store = store_at(address);
    pthread_mutex_lock(&store->mutex);
    store->is_disabled = true;
    atomic_store_explicit(&store->chunk_count, 0, memory_order_relaxed);
    pthread_mutex_unlock(&store->mutex);
}

/*
 * Gives the disk back what a range of `pages` took, whole blocks of it; it reads as zeros then. 0, or -1 where that cannot
 * be done.
 */
SLUICE_EXPORT int sluice_store_punch(int64_t address, int64_t offset, int64_t bytes);
int sluice_store_punch(int64_t address, int64_t offset, int64_t bytes) {
    int fd = store_at(address)->pages_fd;
    int rc;
    do {
#if defined(__linux__)
        rc = fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, bytes);
#elif defined(F_PUNCHHOLE)
        struct fpunchhole hole = {0, 0, offset, bytes};
        rc = fcntl(fd, F_PUNCHHOLE, &hole);
#else
        (void)fd, (void)offset, (void)bytes;
        rc = -1, errno = ENOTSUP;
#endif
    } while (rc != 0 && errno == EINTR);
    return rc == 0 ? 0 : -1;
}

/* Returns the descriptor of a new file that lies in memory alone, to be closed; -1 where there is no such thing. */
SLUICE_EXPORT int sluice_store_memory_file(void);
int sluice_store_memory_file(void) {
#if defined(__linux__) && defined(SYS_memfd_create)
    return (int)syscall(SYS_memfd_create, "sluice-store", 1u /* MFD_CLOEXEC */);
#else
    return -1;
#endif
}

SLUICE_EXPORT void sluice_store_memory_file_close(int fd);
void sluice_store_memory_file_close(int fd) {
    (void)close(fd); /* memory that nobody has open any more cannot fail to go */
}

/* Returns whether an extent was read from since this was last asked, 0 if not. */
SLUICE_EXPORT int sluice_store_take_mark(int64_t address, int64_t extent);
int sluice_store_take_mark(int64_t address, int64_t extent) {
    sluice_store *store = store_at(address);
    /* acquire: pairs with the release in sluice_store_grow */
    uint32_t chunk_count = atomic_load_explicit(&store->chunk_count, memory_order_acquire);
    if (chunk_count == 0) {
        return 0; /* there may be no page size yet */
    }
    uint32_t extents_of_chunk = CHUNK_PAGES / store->extent_pages;
    uint64_t index = (uint64_t)extent / extents_of_chunk;
    if (index >= chunk_count) {
        return 0;
    }
    _Atomic uint8_t *mark = &store->chunks[index].marks[(uint64_t)extent % extents_of_chunk];
    return atomic_exchange_explicit(mark, 0, memory_order_relaxed);
}

/*
 * For tests and benchmarks, which have no SQLite: copies one page as a view of that TXID and page size has it to `dst`.
 * Returns whether it was here, 0 if not; then what is at `dst` is undefined.
 */
SLUICE_EXPORT int sluice_store_copy(int64_t address, int64_t txid, int page_size, int64_t pgno, int64_t dst);
int sluice_store_copy(int64_t address, int64_t txid, int page_size, int64_t pgno, int64_t dst) {
    sluice_view view = {.txid = (uint64_t)txid, .page_size = (uint32_t)page_size};
    return sluice_store_read(store_at(address), &view, (uint32_t)pgno, 0, view.page_size, (uint8_t *)(intptr_t)dst);
}
