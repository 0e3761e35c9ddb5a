/* Anonymous memory that is lent to Java and outlives both its owner and the files that read it. */
#ifndef SLUICE_MEMORY_H
#define SLUICE_MEMORY_H

#include <stdint.h>

/* Keeps memory of sluice_memory_map for an open file. */
void sluice_memory_retain(void *memory);

/* Lets go; the last one unmaps. */
void sluice_memory_release(void *memory);

/* Returns how many memories are mapped. */
int64_t sluice_memory_count(void);

#endif
