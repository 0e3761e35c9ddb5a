/* The entry point that SQLite calls. */
#include "backend.h"
#include "registration.h"

#include <pthread.h>
#include <stddef.h>

sluice_registration sluice_registrations[SLUICE_REGISTRATIONS_MAX];
static pthread_mutex_t registrations_mutex = PTHREAD_MUTEX_INITIALIZER;

static int fail(const sq_api *api, char **out_message, const char *message) {
    if (out_message != NULL) {
        *out_message = api->mprintf("%s", message); /* NULL is what SQLite expects when memory is out */
    }
    return SQ_ERROR;
}

/* Returns the entry of this SQLite or a free one; NULL if there is none. */
static sluice_registration *entry_for(const sq_api *api) {
    sluice_registration *is_free = NULL;
    for (size_t i = 0; i < SLUICE_REGISTRATIONS_MAX; i++) {
        if (sluice_registrations[i].api == api) {
            return &sluice_registrations[i];
        }
        if (sluice_registrations[i].api == NULL && is_free == NULL) {
            is_free = &sluice_registrations[i];
        }
    }
    return is_free;
}

static int register_with(const sq_api *api, char **out_message) {
    if (api->libversion_number() < SQ_VERSION_MIN) {
        return fail(api, out_message, "sluice needs SQLite 3.31 or later");
    }
    sluice_registration *registration = entry_for(api);
    if (registration == NULL) {
        return fail(api, out_message, "sluice: too many SQLite libraries in one process");
    }
    sq_vfs *present = api->vfs_find("litestream");
    if (present != NULL) {
        return present == &registration->vfs ? SQ_OK_LOAD_PERMANENTLY
                                             : fail(api, out_message, "another VFS is already named litestream");
    }
    sq_vfs *fallback = api->vfs_find(NULL);
    if (fallback == NULL) {
        return fail(api, out_message, "sluice: this SQLite has no default VFS for temporary files");
    }
    registration->api = api;
    registration->fallback = fallback;
    sluice_vfs_prepare(registration);
    int rc = sluice_functions_register(api);
    if (rc == SQ_OK) {
        rc = api->vfs_register(&registration->vfs, 0);
    }
    return rc == SQ_OK ? SQ_OK_LOAD_PERMANENTLY : rc;
}

/* Registers the VFS and the functions with the SQLite that calls; any number of times. */
SLUICE_EXPORT int sqlite3_sluice_init(sq_db *db, char **out_message, const sq_api *api);
int sqlite3_sluice_init(sq_db *db, char **out_message, const sq_api *api) {
    (void)db;
    pthread_mutex_lock(&registrations_mutex);
    int rc = register_with(api, out_message);
    pthread_mutex_unlock(&registrations_mutex);
    return rc;
}
