/*
 * The page store as its readers in C see it: two files that Java fills. Tags are mapped here read-only; pages are, too, or
 * they are read by pread.
 *
 *   pages   page p at (p - 1) * page size; what is not there is a hole, or whatever was there before
 *   tags    page p at (p - 1) * 8, native byte order:
 *
 *            63                  16 15           0
 *           +----------------------+--------------+
 *           | bound                | generation   |
 *           +----------------------+--------------+
 *
 *           bound        TXID by which this version of the page was the newest; 0 = the page is not here, and so it is
 *                        of every view with bit 47, which none has while there is a store: Java's note of a restart
 *           generation   another after each change of tag or page, so that a change during a copy is seen
 *
 *   chunk   16,384 pages and their tags, mapped at once when both files are that long, unmapped with the store; by pread
 *           the tags alone are mapped
 *   extent  64 KiB of pages, or one page: what is evicted together
 *
 * A page that is here is the newest version that Java knows, so whoever reads view v may have it iff bound <= v: a page
 * whose newest version is not newer than v is the same in v and in every view since.
 *
 * What a disk cannot give back kills the process at a mapping, and is a miss at a pread. That is what pread is for, and it
 * costs a system call a read. What is left is the tags, which stay mapped: 8 bytes a page, no more than that.
 *
 * The store is used by several threads. Its mappings change under a mutex; readers take none.
 */
#ifndef SLUICE_STORE_H
#define SLUICE_STORE_H

#include "control.h"

#include <stdbool.h>
#include <stdint.h>

#define SLUICE_STORE_MMAP 0  /* page bytes are copied from a mapping */
#define SLUICE_STORE_PREAD 1 /* page bytes are read by pread */

typedef struct sluice_store sluice_store;

/*
 * Copies `amount` bytes from `from` of a page of the view; false if the page is not here, or cannot be read, then dst is
 * undefined. No locks, and no system call but one pread where that is the way.
 */
bool sluice_store_read(const sluice_store *store, const sluice_view *view, uint32_t pgno, uint32_t from,
                       uint32_t amount, uint8_t *dst);

/* Keeps a store for an open file; the last release unmaps it. */
void sluice_store_retain(sluice_store *store);
void sluice_store_release(sluice_store *store);

/* Returns how many stores there are. */
int64_t sluice_store_count(void);

#endif
