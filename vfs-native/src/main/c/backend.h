/*
 * The one door to Java: a table of callbacks behind an atomic pointer, and the list of open files.
 *
 * A second class loader cannot take the door over while the first has it. After the first has said goodbye no call goes
 * there again: a file it opened answers errors until it is closed. Tables are never freed, so a file can tell its own
 * backend from a later one by the address.
 */
#ifndef SLUICE_BACKEND_H
#define SLUICE_BACKEND_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define SLUICE_EXPORT __attribute__((visibility("default")))

#define SLUICE_TEXT_BYTES 2000

#define SLUICE_ASK_TXID 0  /* answered in C */
#define SLUICE_ASK_TIME 1  /* argument: the view's time in ms; answer: text */
#define SLUICE_ASK_LAG 2   /* argument: the word that pins the view, as for a read; answer: text */
#define SLUICE_ASK_ERROR 3 /* argument: 1 if reads have gone well since one failed; answer: text, empty if there is none */
#define SLUICE_ASK_SET_TIME 4  /* the text holds the time; answer: the TXID of the view moved to, empty if it is the latest */
#define SLUICE_ASK_HYDRATION_PROGRESS 6 /* answer: text, as the two above */
#define SLUICE_ASK_HYDRATION_FILE 7
#define SLUICE_ASK_WAIT_TXID 5 /* the text holds TXID, newline, seconds; answer: the TXID reached */

/* What xOpen asks and Java answers; Java reads and writes it by these offsets. */
typedef struct sluice_open_request {
    int64_t parameters;       /*  0 in:  address of name NUL (key NUL value NUL)* */
    int32_t parameters_bytes; /*  8 in */
    int32_t flags;            /* 12 in:  SQLite's open flags */
    int64_t file;             /* 16 out: what Java calls this connection, given back in every call */
    int64_t control;          /* 24 out: address of control, 0 if every pin goes through Java */
    int32_t is_fixed;         /* 32 out: 1 if the view never moves */
    int32_t is_unlocked;      /* 36 in:  1 if SQLite will take no lock: the view must never move */
    int64_t self;             /* 40 in:  for sluice_is_interrupted */
    int64_t store;            /* 48 out: address of the page store, 0 if there is none */
    char reason[SLUICE_TEXT_BYTES]; /* 56 out: why it failed, UTF-8, NUL-terminated */
} sluice_open_request;

/*
 * What a call up returns when it is done; the code of a failure otherwise. Not 0, for 0 is what an exception leaves behind
 * that got out of a callback: the page it should have filled is whatever was there before.
 */
#define SLUICE_DONE 0x534c5543

typedef int (*sluice_open_call)(int64_t request);
typedef int (*sluice_read_call)(int64_t file, int64_t word, int64_t pgno, int64_t dst, int bytes);
typedef int (*sluice_pin_call)(int64_t file, int64_t out_view);
typedef int (*sluice_unpin_call)(int64_t file);
typedef int (*sluice_ask_call)(int64_t file, int question, int64_t argument, int64_t text, int capacity);
typedef int (*sluice_close_call)(int64_t file);

typedef struct sluice_backend {
    sluice_open_call open;
    sluice_read_call read;   /* word 0: the view that Java pinned for this file */
    sluice_pin_call pin;     /* copies the view record */
    sluice_unpin_call unpin;
    sluice_ask_call ask;     /* returns the bytes of the answer plus 1, or -code with the reason as text; never 0 */
    sluice_close_call close;
} sluice_backend;

/* Kept by each file for its own thread; summed up for tests and diagnosis. */
typedef struct sluice_counters_of_file {
    _Atomic int64_t page_reads;   /* calls up for a page */
    _Atomic int64_t store_reads;  /* pages, or parts of one, copied from the page store */
    _Atomic int64_t header_reads; /* reads answered from the view record */
    _Atomic int64_t locks;        /* read transactions begun */
    _Atomic int64_t java_pins;    /* pins that went through Java */
} sluice_counters_of_file;

/* An open file's place in the list; the file embeds it. */
typedef struct sluice_open_file {
    const sluice_backend *backend; /* NULL if nobody served when it was opened */
    _Atomic int in_call;
    sluice_counters_of_file counters;
    struct sluice_open_file *previous;
    struct sluice_open_file *next;
} sluice_open_file;

/* Adds a file to the list and binds it to the backend of this moment. */
void sluice_open_file_add(sluice_open_file *file);
void sluice_open_file_remove(sluice_open_file *file);

/* Returns whether the file's backend still serves. */
bool sluice_backend_is_current(const sluice_open_file *file);

/* Begins a call up: false if the file's backend has gone. Each true is followed by sluice_call_end. */
bool sluice_call_begin(sluice_open_file *file);
void sluice_call_end(sluice_open_file *file);

/* Returns SQLite's code for what a call up returned; `otherwise` for whatever Java does not return by itself. */
int sluice_code_of(int returned, int otherwise);

static inline void sluice_count(_Atomic int64_t *counter) {
    /* Written by one thread at a time, read by any: a plain add without a locked instruction. */
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1, memory_order_relaxed);
}

#endif
