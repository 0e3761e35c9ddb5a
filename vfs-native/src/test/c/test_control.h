/* A control as tests make it, by the letter of its layout: views of PAGES pages of which every byte says the TXID. */
#ifndef SLUICE_TEST_CONTROL_H
#define SLUICE_TEST_CONTROL_H

#include "../../main/c/control.h"

#include <stdbool.h>
#include <stdint.h>

enum { PAGE_BYTES = 1024, PAGES = 9, IMAGE_BYTES = PAGE_BYTES * PAGES, SLOTS = 4 };

int64_t sluice_memory_map(int64_t bytes);
void sluice_memory_unmap(int64_t memory);

/* Returns a control in memory of its own, to be unmapped, in which nothing is published. */
sluice_control *new_control(uint32_t slots);

sluice_view *record(sluice_control *control, uint32_t index);
void write_view(sluice_view *view, uint64_t txid);
void publish(sluice_control *control, uint64_t txid, uint32_t index);

/* Returns whether a record may be written: no slot pins it, and it is not the published one. */
bool is_free(sluice_control *control, uint32_t index, uint32_t published);

#endif
