/*
 * Why openings failed, by connection. SQLite closes the file of an ATTACH that failed, and knows no reason but a code; here
 * the reason outlives the file, until the connection opens a replica, or is another one. The newest few are kept.
 */
#ifndef SLUICE_FAILURES_H
#define SLUICE_FAILURES_H

#include "abi.h"
#include "backend.h"

void sluice_failure_keep(const sq_db *db, const char *reason);
void sluice_failure_forget(const sq_db *db);

/* Writes the reason of the connection's last failed opening; false if there is none. */
bool sluice_failure_find(const sq_db *db, char text[SLUICE_TEXT_BYTES]);

#endif
