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
        sluice_registration *entry = &sluice_registrations[i];
        if (entry->api == api) {
            return entry;
        }
        /* acquire: pairs with the release of whoever let go last */
        bool is_unused = entry->api == NULL ||
                         (entry->has_left && atomic_load_explicit(&entry->users, memory_order_acquire) == 0);
        if (is_unused && is_free == NULL) {
            is_free = entry;
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
    if (present != NULL && present != &registration->vfs) {
        return fail(api, out_message, "another VFS is already named litestream");
    }
    if (present == NULL) {
        sq_vfs *fallback = api->vfs_find(NULL);
        if (fallback == NULL) {
            return fail(api, out_message, "sluice: this SQLite has no default VFS for temporary files");
        }
        if (registration->api != api || registration->fallback != fallback) {
            registration->api = api;
            registration->fallback = fallback;
            sluice_vfs_prepare(registration);
        } /* else as it is: connections from before the goodbye still call through this VFS, at this moment too */
        registration->has_left = false;
    }
    int rc = sluice_functions_register(api); /* also where the VFS is there: sqlite3_shutdown forgets the functions only */
    if (rc == SQ_OK && present == NULL) {
        rc = api->vfs_register(&registration->vfs, 0);
        registration->has_left = rc != SQ_OK;
    }
    return rc == SQ_OK ? SQ_OK_LOAD_PERMANENTLY : rc;
}

sluice_registration *sluice_registration_use(const sq_api *api) {
    sluice_registration *found = NULL;
    pthread_mutex_lock(&registrations_mutex);
    for (size_t i = 0; i < SLUICE_REGISTRATIONS_MAX && found == NULL; i++) {
        if (sluice_registrations[i].api == api) {
            found = &sluice_registrations[i];
            atomic_fetch_add_explicit(&found->users, 1, memory_order_relaxed);
        }
    }
    pthread_mutex_unlock(&registrations_mutex);
    return found;
}

void sluice_registrations_leave(void) {
    pthread_mutex_lock(&registrations_mutex);
    for (size_t i = 0; i < SLUICE_REGISTRATIONS_MAX; i++) {
        sluice_registration *entry = &sluice_registrations[i];
        if (entry->api != NULL && !entry->has_left) {
            sluice_functions_unregister(entry->api);
            (void)entry->api->vfs_unregister(&entry->vfs); /* fails only for what is not there */
            entry->has_left = true;
        }
    }
    pthread_mutex_unlock(&registrations_mutex);
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
