#define _GNU_SOURCE
#define _DARWIN_C_SOURCE
#include "store_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void fail(const char *what, const char *path) {
    fprintf(stderr, "store_folder: %s %s: %s\n", what, path, strerror(errno));
    exit(2);
}

static int open_new(char *out_path, const char *directory, const char *name) {
    snprintf(out_path, 4096, "%s/%s-%ld", directory, name, (long)getpid());
    int fd = open(out_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        fail("open", out_path);
    }
    return fd;
}

void store_folder_open(store_folder *folder, const char *directory, uint32_t page_size, uint32_t chunks_max) {
    folder->page_size = page_size;
    folder->pages_fd = open_new(folder->pages, directory, "pages");
    folder->tags_fd = open_new(folder->tags, directory, "tags");
    size_t bytes = (size_t)chunks_max * STORE_CHUNK_PAGES * sizeof(uint64_t);
    void *words = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, folder->tags_fd, 0);
    if (words == MAP_FAILED) {
        fail("map", folder->tags);
    }
    folder->words = words;
}

void store_folder_grow(store_folder *folder, uint32_t chunks) {
    off_t pages = (off_t)chunks * STORE_CHUNK_PAGES;
    if (ftruncate(folder->pages_fd, pages * (off_t)folder->page_size) != 0) {
        fail("grow", folder->pages);
    }
    if (ftruncate(folder->tags_fd, pages * (off_t)sizeof(uint64_t)) != 0) {
        fail("grow", folder->tags);
    }
}

void store_folder_write(store_folder *folder, uint32_t pgno, const void *page) {
    ssize_t written;
    do {
        written = pwrite(folder->pages_fd, page, folder->page_size, (off_t)(pgno - 1) * (off_t)folder->page_size);
    } while (written < 0 && errno == EINTR);
    if (written != (ssize_t)folder->page_size) {
        fail("write", folder->pages);
    }
}

void store_folder_close(store_folder *folder, uint32_t chunks_max) {
    munmap((void *)(uintptr_t)folder->words, (size_t)chunks_max * STORE_CHUNK_PAGES * sizeof(uint64_t));
    (void)close(folder->pages_fd);
    (void)close(folder->tags_fd);
    (void)unlink(folder->pages);
    (void)unlink(folder->tags);
}
