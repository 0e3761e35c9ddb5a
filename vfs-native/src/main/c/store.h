/*
 * The page store as its readers in C see it: two files that Java fills, mapped here read-only.
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
 *   chunk   16,384 pages and their tags, mapped at once when both files are that long, unmapped with the store
 *   extent  64 KiB of pages, or one page: what is evicted together
 *
 * A page that is here is the newest version that Java knows, so whoever reads view v may have it iff bound <= v: a page
 * whose newest version is not newer than v is the same in v and in every view since.
 *
 * The store is used by several threads. Its mappings change under a mutex; readers take none.
 */
#ifndef SLUICE_STORE_H
#define SLUICE_STORE_H

#include "control.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct sluice_store sluice_store;

/*
 * Copies `amount` bytes from `from` of a page of the view; false if the page is not here, then dst is undefined. Neither
 * locks nor system calls.
 */
bool sluice_store_read(const sluice_store *store, const sluice_view *view, uint32_t pgno, uint32_t from,
                       uint32_t amount, uint8_t *dst);

/* Keeps a store for an open file; the last release unmaps it. */
void sluice_store_retain(sluice_store *store);
void sluice_store_release(sluice_store *store);

/* Returns how many stores there are. */
int64_t sluice_store_count(void);

#endif
