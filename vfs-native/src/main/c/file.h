/*
 * One open replica file: what xOpen makes and the io methods work on. Confined to one thread at a time, as SQLite's own
 * mutexes see to; only its slot and counters are looked at by others.
 */
#ifndef SLUICE_FILE_H
#define SLUICE_FILE_H

#include "abi.h"
#include "backend.h"
#include "control.h"
#include "registration.h"
#include "store.h"

typedef struct sluice_file {
    sq_file base; /* first: SQLite's view of us */
    sluice_open_file open;
    sluice_registration *registration;
    const sq_api *api;
    sq_db *db; /* the connection that opened it; NULL if SQLite has not said */
    int64_t java; /* what Java calls this connection */
    bool is_open_in_java;
    bool is_fixed;         /* the view was chosen in the URI and never moves */
    bool is_moved;         /* the view was chosen since and pins go through Java, until the next choice */
    bool is_always_pinned; /* from xOpen to xClose: SQLite will not lock */
    sluice_control *control;
    sluice_store *store; /* NULL: every page comes from Java */
    sluice_slot *slot;       /* NULL: pins go through Java */
    const sluice_view *view; /* the pinned view; NULL outside a read transaction */
    sluice_view java_view;   /* where a view pinned through Java lies */
    int lock_level;
    bool has_failed_read;
    bool has_healed; /* a read of a later transaction went well */
    int64_t failed_in;
    int64_t healed_in; /* transactions are told apart by the counter of locks */
    int failure; /* not 0: the replica could not be opened, and this is why, as a code and in words */
    char reason[SLUICE_TEXT_BYTES];
    uint8_t *scratch; /* one page, for reads that are not whole pages */
    uint32_t scratch_bytes;
} sluice_file;

/* Opens the main database file; the file is usable, as a failed one, whatever Java says. SQ_OK or SQ_NOMEM. */
int sluice_file_open(sluice_file *file, sluice_registration *registration, const char *name, int flags);

/* Returns the file behind a schema of the connection if it is one of ours, else NULL. */
sluice_file *sluice_file_of(const sq_api *api, sq_db *db, const char *schema);

/*
 * Makes sure a view is pinned; *out_taken says whether this call took the pin, to be given to sluice_view_leave. Every
 * failure is a SQLite code.
 */
int sluice_view_enter(sluice_file *file, bool *out_taken);
void sluice_view_leave(sluice_file *file, bool taken);

/*
 * Writes the answer to one of the questions SLUICE_ASK_... about the file's view, NUL-terminated; returns 0, or a SQLite
 * code with the reason in the answer's place. A question that sets something finds the value in the text.
 */
int sluice_answer(sluice_file *file, int question, char text[SLUICE_TEXT_BYTES]);

/* Returns the word that pins the view for Java; 0 for a view that Java pinned. Only while a view is pinned. */
uint64_t sluice_view_word(const sluice_file *file);

/* Notes how a page read or a pin ended, for sluice_has_healed. */
void sluice_note_read(sluice_file *file, int rc);

/* For opening and closing: a pin without the question whether there is one. */
int sluice_view_pin(sluice_file *file);
void sluice_view_unpin(sluice_file *file);

/*
 * Returns whether reads have gone well since the last that failed, in a later transaction, and another has begun since:
 * the first may have been SQLite that reads the schema in order to ask.
 */
bool sluice_has_healed(const sluice_file *file);

/* How a file of ours is told from any other. */
extern const sq_io_methods sluice_io_methods;

/* xFileControl. */
int sluice_file_control(sq_file *base, int op, void *arg);

#endif
