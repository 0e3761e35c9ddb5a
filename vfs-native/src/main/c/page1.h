/* Page 1 as SQLite shall see it: the one place where its bytes are changed. */
#ifndef SLUICE_PAGE1_H
#define SLUICE_PAGE1_H

#include <stdint.h>

/*
 * Replaces, in a read of `amount` bytes that begins at byte `offset` of page 1, every byte that depends on the view: 18
 * and 19 (journal mode), 24..27 and 92..95 (change counter), 28..31 (pages). `header` holds the 100 bytes of the view.
 */
void sluice_page1_patch(uint8_t *bytes, uint32_t offset, uint32_t amount, const uint8_t *header);

#endif
