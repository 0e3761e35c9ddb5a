#define _DEFAULT_SOURCE
#define _DARWIN_C_SOURCE
#include "backend.h"

#include "abi.h"
#include "memory.h"
#include "registration.h"
#include "store.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

_Static_assert(sizeof(sluice_open_request) == 2056, "Java reads it by offset");

/* The registry: who serves, and which files are open. */
static _Atomic(const sluice_backend *) current;
/* Every table there ever was: a file keeps the address of its own, so none is freed or used again. */
typedef struct table {
    sluice_backend backend;
    struct table *former;
} table;
static _Atomic(table *) newest_table;
/* Guards the changes of `current` by registering and goodbye, and whether a goodbye has not ended yet. */
static pthread_mutex_t registry_mutex = PTHREAD_MUTEX_INITIALIZER;
static bool is_leaving;
static pthread_mutex_t files_mutex = PTHREAD_MUTEX_INITIALIZER;
static sluice_open_file *files;
static int64_t file_count;
enum { FILE_TOTALS = 5, TOTALS = FILE_TOTALS + 3 };
static int64_t closed_totals[FILE_TOTALS];

static void add_counters(const sluice_open_file *file, int64_t totals[FILE_TOTALS]) {
    totals[0] += atomic_load_explicit(&file->counters.page_reads, memory_order_relaxed);
    totals[1] += atomic_load_explicit(&file->counters.header_reads, memory_order_relaxed);
    totals[2] += atomic_load_explicit(&file->counters.locks, memory_order_relaxed);
    totals[3] += atomic_load_explicit(&file->counters.java_pins, memory_order_relaxed);
    totals[4] += atomic_load_explicit(&file->counters.store_reads, memory_order_relaxed);
}

void sluice_open_file_add(sluice_open_file *file) {
    pthread_mutex_lock(&files_mutex);
    file->backend = atomic_load_explicit(&current, memory_order_acquire); /* pairs with sluice_backend_register */
    file->previous = NULL;
    file->next = files;
    if (files != NULL) {
        files->previous = file;
    }
    files = file;
    file_count++;
    pthread_mutex_unlock(&files_mutex);
}

void sluice_open_file_remove(sluice_open_file *file) {
    pthread_mutex_lock(&files_mutex);
    if (file->previous != NULL) {
        file->previous->next = file->next;
    } else {
        files = file->next;
    }
    if (file->next != NULL) {
        file->next->previous = file->previous;
    }
    add_counters(file, closed_totals);
    file_count--;
    pthread_mutex_unlock(&files_mutex);
}

bool sluice_backend_is_current(const sluice_open_file *file) {
    return file->backend != NULL && atomic_load_explicit(&current, memory_order_relaxed) == file->backend;
}

bool sluice_call_begin(sluice_open_file *file) {
    /*
     * The mark is stored and then the pointer read; goodbye stores the pointer and then reads the marks, all seq_cst: one
     * of the two sees the other.
     */
    atomic_store_explicit(&file->in_call, 1, memory_order_seq_cst);
    if (file->backend != NULL && atomic_load_explicit(&current, memory_order_seq_cst) == file->backend) {
        return true;
    }
    sluice_call_end(file);
    return false;
}

void sluice_call_end(sluice_open_file *file) {
    atomic_store_explicit(&file->in_call, 0, memory_order_release); /* pairs with is_calling */
}

int sluice_code_of(int returned, int otherwise) {
    switch (returned) {
    case SLUICE_DONE:
        return SQ_OK;
    case SQ_ERROR:
    case SQ_NOMEM:
    case SQ_INTERRUPT:
    case SQ_CANTOPEN:
    case SQ_IOERR_READ:
    case SQ_IOERR_LOCK:
        return returned;
    default:
        return otherwise;
    }
}

static bool is_calling(void) {
    bool calling = false;
    pthread_mutex_lock(&files_mutex);
    for (sluice_open_file *file = files; file != NULL && !calling; file = file->next) {
        calling = atomic_load_explicit(&file->in_call, memory_order_seq_cst) != 0;
    }
    pthread_mutex_unlock(&files_mutex);
    return calling;
}

/* Returns the version of this interface; Java refuses any but its own. */
SLUICE_EXPORT int sluice_interface_version(void);
int sluice_interface_version(void) {
    return 5;
}

/* Makes these callbacks the ones that serve: SQ_OK, SQ_BUSY if others serve, SQ_NOMEM. */
SLUICE_EXPORT int sluice_backend_register(sluice_open_call open, sluice_read_call read, sluice_pin_call pin,
                                          sluice_unpin_call unpin, sluice_ask_call ask, sluice_close_call close);
int sluice_backend_register(sluice_open_call open, sluice_read_call read, sluice_pin_call pin, sluice_unpin_call unpin,
                            sluice_ask_call ask, sluice_close_call close) {
    table *added = malloc(sizeof *added);
    if (added == NULL) {
        return SQ_NOMEM;
    }
    added->backend = (sluice_backend){open, read, pin, unpin, ask, close};
    pthread_mutex_lock(&registry_mutex);
    bool is_taken = is_leaving || atomic_load_explicit(&current, memory_order_relaxed) != NULL;
    if (!is_taken) {
        /* the table before the pointer; pairs with the loads in sluice_open_file_add and sluice_call_begin */
        atomic_store_explicit(&current, &added->backend, memory_order_seq_cst);
    }
    pthread_mutex_unlock(&registry_mutex);
    if (is_taken) {
        free(added);
        return SQ_BUSY;
    }
    added->former = atomic_load_explicit(&newest_table, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&newest_table, &added->former, added, memory_order_release,
                                                  memory_order_relaxed)) {
        /* another registration came between: go behind that one */
    }
    return SQ_OK;
}

/*
 * Stops every further call up and waits for those under way: SQ_OK, or SQ_BUSY if one has not ended in time. Then nobody
 * else can register until a further goodbye has seen the end.
 */
SLUICE_EXPORT int sluice_backend_unregister(int timeout_millis);
int sluice_backend_unregister(int timeout_millis) {
    pthread_mutex_lock(&registry_mutex);
    is_leaving = true;
    atomic_store_explicit(&current, NULL, memory_order_seq_cst); /* pairs with sluice_call_begin */
    pthread_mutex_unlock(&registry_mutex);
    for (int waited = 0; is_calling(); waited++) {
        if (waited >= timeout_millis) {
            return SQ_BUSY;
        }
        struct timespec millisecond = {0, 1000000};
        nanosleep(&millisecond, NULL);
    }
    sluice_registrations_leave();
    pthread_mutex_lock(&registry_mutex);
    is_leaving = false;
    pthread_mutex_unlock(&registry_mutex);
    return SQ_OK;
}

/*
 * Writes up to `count` totals since the library was loaded: page reads, header reads, locks, pins through Java, reads from
 * page stores; then the number of open files, of mapped memories, of page stores.
 */
SLUICE_EXPORT int sluice_counters(int64_t out_totals, int count);
int sluice_counters(int64_t out_totals, int count) {
    int64_t totals[TOTALS];
    pthread_mutex_lock(&files_mutex);
    memcpy(totals, closed_totals, sizeof closed_totals);
    for (const sluice_open_file *file = files; file != NULL; file = file->next) {
        add_counters(file, totals);
    }
    totals[FILE_TOTALS] = file_count;
    pthread_mutex_unlock(&files_mutex);
    totals[FILE_TOTALS + 1] = sluice_memory_count();
    totals[FILE_TOTALS + 2] = sluice_store_count();
    int written = count < TOTALS ? count : TOTALS;
    if (written > 0) {
        memcpy((void *)(intptr_t)out_totals, totals, (size_t)written * sizeof totals[0]);
    }
    return written;
}
