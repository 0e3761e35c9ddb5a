#include "failures.h"

#include <pthread.h>
#include <stddef.h>
#include <stdio.h>

#define FAILURES_MAX 16

typedef struct failure {
    const sq_db *db; /* NULL: none */
    char reason[SLUICE_TEXT_BYTES];
} failure;

/* Guarded by the mutex. */
static failure failures[FAILURES_MAX];
static size_t newest;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static failure *find(const sq_db *db) {
    for (size_t i = 0; i < FAILURES_MAX; i++) {
        if (db != NULL && failures[i].db == db) {
            return &failures[i];
        }
    }
    return NULL;
}

void sluice_failure_keep(const sq_db *db, const char *reason) {
    pthread_mutex_lock(&mutex);
    failure *kept = find(db);
    if (kept == NULL) {
        newest = (newest + 1) % FAILURES_MAX;
        kept = &failures[newest];
    }
    kept->db = db;
    (void)snprintf(kept->reason, sizeof kept->reason, "%s", reason);
    pthread_mutex_unlock(&mutex);
}

void sluice_failure_forget(const sq_db *db) {
    pthread_mutex_lock(&mutex);
    failure *kept = find(db);
    if (kept != NULL) {
        kept->db = NULL;
    }
    pthread_mutex_unlock(&mutex);
}

bool sluice_failure_find(const sq_db *db, char text[SLUICE_TEXT_BYTES]) {
    pthread_mutex_lock(&mutex);
    const failure *kept = find(db);
    if (kept != NULL) {
        (void)snprintf(text, SLUICE_TEXT_BYTES, "%s", kept->reason);
    }
    pthread_mutex_unlock(&mutex);
    return kept != NULL;
}
