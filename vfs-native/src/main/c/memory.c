#define _DEFAULT_SOURCE
#define _DARWIN_C_SOURCE
#include "memory.h"

#include "backend.h"

#include <stddef.h>
#include <sys/mman.h>

#ifndef MAP_ANONYMOUS
#define MAP_ANONYMOUS MAP_ANON
#endif

/* Before the lent bytes, on a page of its own so that those begin on a page too (16 KiB pages are the largest we meet). */
#define LEAD_BYTES 16384

typedef struct lead {
    _Atomic int64_t references;
    int64_t mapped_bytes;
} lead;

static _Atomic int64_t mapped_count;

static lead *lead_of(void *memory) {
    return (lead *)(void *)((uint8_t *)memory - LEAD_BYTES);
}

/* Maps zeroed memory with one reference, Java's; returns its address, or 0 if there is none to be had. */
SLUICE_EXPORT int64_t sluice_memory_map(int64_t bytes);
int64_t sluice_memory_map(int64_t bytes) {
    if (bytes <= 0 || bytes > INT64_MAX - LEAD_BYTES) {
        return 0;
    }
    void *base = mmap(NULL, (size_t)(bytes + LEAD_BYTES), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) {
        return 0;
    }
    lead *first = base;
    atomic_store_explicit(&first->references, 1, memory_order_relaxed);
    first->mapped_bytes = bytes + LEAD_BYTES;
    atomic_fetch_add_explicit(&mapped_count, 1, memory_order_relaxed);
    return (int64_t)(intptr_t)((uint8_t *)base + LEAD_BYTES);
}

/* Gives up Java's reference. */
SLUICE_EXPORT void sluice_memory_unmap(int64_t memory);
void sluice_memory_unmap(int64_t memory) {
    sluice_memory_release((void *)(intptr_t)memory);
}

void sluice_memory_retain(void *memory) {
    atomic_fetch_add_explicit(&lead_of(memory)->references, 1, memory_order_relaxed);
}

void sluice_memory_release(void *memory) {
    lead *first = lead_of(memory);
    /* acquire-release: every use by another holder happens before the unmapping */
    if (atomic_fetch_sub_explicit(&first->references, 1, memory_order_acq_rel) == 1) {
        atomic_fetch_sub_explicit(&mapped_count, 1, memory_order_relaxed);
        munmap(first, (size_t)first->mapped_bytes);
    }
}

int64_t sluice_memory_count(void) {
    return atomic_load_explicit(&mapped_count, memory_order_relaxed);
}
