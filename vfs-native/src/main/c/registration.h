/*
 * One entry for each SQLite library of the process that has loaded this extension: two class loaders may bring two. Its
 * table of functions and its default VFS are found here, from sqlite3_vfs.pAppData or by a function's own number. Goodbye
 * takes the VFS away from each; the entry serves another SQLite once nothing uses it any more.
 */
#ifndef SLUICE_REGISTRATION_H
#define SLUICE_REGISTRATION_H

#include "abi.h"

#include <stdatomic.h>
#include <stdbool.h>

#define SLUICE_REGISTRATIONS_MAX 16

typedef struct sluice_registration {
    const sq_api *api;
    sq_vfs *fallback; /* the default VFS of that SQLite */
    sq_vfs vfs;
    bool has_left;         /* goodbye was said: SQLite knows the VFS no more */
    _Atomic int64_t users; /* open files, and functions on open connections */
} sluice_registration;

extern sluice_registration sluice_registrations[SLUICE_REGISTRATIONS_MAX];

/* Fills in the VFS of a registration whose api and fallback are set. */
void sluice_vfs_prepare(sluice_registration *registration);

/* Asks SQLite to make the SQL functions on every connection opened from now on; any number of times. */
int sluice_functions_register(const sq_api *api);
void sluice_functions_unregister(const sq_api *api);

/* Returns the entry of this SQLite with one user more; NULL if there is none. */
sluice_registration *sluice_registration_use(const sq_api *api);

/* Takes the VFS and the functions back from every SQLite that is there. */
void sluice_registrations_leave(void);

#endif
