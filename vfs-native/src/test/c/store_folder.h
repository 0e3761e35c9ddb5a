/* The two files of a page store, as tests write them: tags through a mapping, pages through a descriptor. */
#ifndef SLUICE_STORE_FOLDER_H
#define SLUICE_STORE_FOLDER_H

#include "../../main/c/store.h"

#include <stdatomic.h>
#include <stdint.h>

enum { STORE_CHUNK_PAGES = 16384 };

int64_t sluice_store_new(int reading);
void sluice_store_free(int64_t store);
int sluice_store_attach(int64_t store, const char *pages, const char *tags, int page_size);
int sluice_store_grow(int64_t store, int chunks);
void sluice_store_disable(int64_t store);
int sluice_store_punch(int64_t store, int64_t offset, int64_t bytes);
int sluice_store_take_mark(int64_t store, int64_t extent);
int sluice_store_copy(int64_t store, int64_t txid, int page_size, int64_t pgno, int64_t dst);

typedef struct store_folder {
    char pages[4096]; /* paths */
    char tags[4096];
    int pages_fd;
    int tags_fd;
    uint32_t page_size;
    _Atomic uint64_t *words; /* one for each page, of so many chunks as there may be */
} store_folder;

/* Makes the files, empty, below a directory; exits where that cannot be done. */
void store_folder_open(store_folder *folder, const char *directory, uint32_t page_size, uint32_t chunks_max);

/* Makes both files as long as so many chunks. */
void store_folder_grow(store_folder *folder, uint32_t chunks);

/* Writes a page by pwrite. */
void store_folder_write(store_folder *folder, uint32_t pgno, const void *page);

void store_folder_close(store_folder *folder, uint32_t chunks_max);

#endif
