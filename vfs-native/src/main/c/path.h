/*
 * What SQLite takes for the path of a replica: "replica-<number>:<label>", another for each opening.
 *
 * With a shared cache SQLite gives a connection the Btree of any file of equal path, whatever the parameters, and asks
 * nobody: so no two paths are equal. A default VFS makes paths absolute, so a path that begins like this is ours.
 */
#ifndef SLUICE_PATH_H
#define SLUICE_PATH_H

#include <stdbool.h>

/* The most bytes before the label. */
#define SLUICE_PATH_LEAD_BYTES 32

/* Writes a new path for the label; SQ_OK, or SQ_CANTOPEN if it does not fit. */
int sluice_path_make(const char *label, int capacity, char *out_path);

/* Returns where the label begins in a path; NULL if that is not a path of ours. */
const char *sluice_path_label(const char *path);

#endif
