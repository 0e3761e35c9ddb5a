/*
 * One entry for each SQLite library of the process that has loaded this extension: two class loaders may bring two. Its
 * table of functions and its default VFS are found here, from sqlite3_vfs.pAppData or by a function's own number.
 */
#ifndef SLUICE_REGISTRATION_H
#define SLUICE_REGISTRATION_H

#include "abi.h"

#define SLUICE_REGISTRATIONS_MAX 16

typedef struct sluice_registration {
    const sq_api *api;
    sq_vfs *fallback; /* the default VFS of that SQLite */
    sq_vfs vfs;
} sluice_registration;

extern sluice_registration sluice_registrations[SLUICE_REGISTRATIONS_MAX];

/* Fills in the VFS of a registration whose api and fallback are set. */
void sluice_vfs_prepare(sluice_registration *registration);

/* Asks SQLite to make the SQL functions on every connection opened from now on. */
int sluice_functions_register(const sq_api *api);

#endif
