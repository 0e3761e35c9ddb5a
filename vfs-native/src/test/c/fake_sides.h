/*
 * Both sides of libsluice as tests see it: a table of functions that stands in for SQLite's, and callbacks for Java's, which
 * serve one image as file 7. What changes is for one thread, and is set before a call.
 */
#ifndef SLUICE_FAKE_SIDES_H
#define SLUICE_FAKE_SIDES_H

#include "../../main/c/backend.h"
#include "../../main/c/file.h"
#include "test_control.h"

extern uint8_t image[IMAGE_BYTES];    /* what Java holds */
extern uint8_t expected[IMAGE_BYTES]; /* what SQLite shall see */
extern sluice_control *served;
extern int open_files;
extern int failing_code;
extern int answers_nothing; /* 0 is what an exception leaves that got out of a callback */

int serve_open(int64_t address);
int serve_read(int64_t file, int64_t word, int64_t pgno, int64_t dst, int bytes);
int serve_pin(int64_t file, int64_t out_view);
int serve_unpin(int64_t file);
int serve_ask(int64_t file, int question, int64_t argument, int64_t text, int capacity);
int serve_close(int64_t file);

extern const sq_api api;
extern sq_vfs *registered; /* NULL if SQLite has no VFS of ours */
extern sq_vfs default_vfs;
extern int auto_extensions;
extern int always_pinned; /* as with immutable=1 */
extern int is_in_transaction;
extern int is_interrupted;

int api_old_version(void);

/* Opens the image as a database, by the VFS that is registered. */
sq_file *open_file(void);
void close_file(sq_file *file);

#endif
