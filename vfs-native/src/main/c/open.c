/* How a file comes to be: the URI's parameters go up, a connection or a reason comes back. */
#include "file.h"
#include "memory.h"
#include "path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *append(char *at, const char *text) {
    size_t bytes = strlen(text) + 1;
    memcpy(at, text, bytes);
    return at + bytes;
}

static void use_control(sluice_file *file, int64_t address) {
    sluice_control *control = (sluice_control *)(intptr_t)address;
    sluice_memory_retain(control);
    file->control = control;
    if (!file->is_fixed && sluice_control_is_valid(control)) {
        file->slot = sluice_slot_claim(control);
    }
}

static void fail(sluice_file *file, int code, const char *reason) {
    file->failure = code;
    (void)snprintf(file->reason, sizeof file->reason, "%s", reason);
}

/* Asks Java for the connection; the file is failed if there is none. */
static void open_in_java(sluice_file *file, sluice_open_request *request) {
    if (!sluice_call_begin(&file->open)) {
        fail(file, SQ_CANTOPEN,
             "open replica: nothing in this process serves the VFS \"litestream\"; call Sluice.register() first");
        return;
    }
    int rc = sluice_code_of(file->open.backend->open((int64_t)(intptr_t)request), SQ_CANTOPEN);
    if (rc == SQ_OK) {
        file->java = request->file;
        file->is_open_in_java = true;
        file->is_fixed = request->is_fixed != 0;
        /* Inside the call: after it Java may let go of both. */
        if (request->control != 0) {
            use_control(file, request->control);
        }
        if (request->store != 0) {
            file->store = (sluice_store *)(intptr_t)request->store;
            sluice_store_retain(file->store);
        }
    } else {
        request->reason[sizeof request->reason - 1] = '\0';
        fail(file, rc, request->reason[0] != '\0' ? request->reason : "open replica: failed, and so did saying why");
    }
    sluice_call_end(&file->open);
}

/* Makes the request with its copy of "label NUL (key NUL value NUL)*": where SQLite keeps those is its own affair. */
static sluice_open_request *request_of(const sq_api *api, const char *name, int flags) {
    const char *label = sluice_path_label(name) != NULL ? sluice_path_label(name) : name;
    size_t bytes = strlen(label) + 1;
    int keys = 0;
    for (const char *key; (key = api->uri_key(name, keys)) != NULL; keys++) {
        bytes += strlen(key) + strlen(api->uri_parameter(name, key)) + 2;
    }
    sluice_open_request *request = bytes > INT32_MAX ? NULL : calloc(1, sizeof *request + bytes);
    if (request == NULL) {
        return NULL;
    }
    char *at = append((char *)(request + 1), label);
    for (int i = 0; i < keys; i++) {
        const char *key = api->uri_key(name, i);
        at = append(at, key);
        at = append(at, api->uri_parameter(name, key));
    }
    request->parameters = (int64_t)(intptr_t)(request + 1);
    request->parameters_bytes = (int32_t)bytes;
    request->flags = flags;
    request->is_unlocked = api->uri_boolean(name, "immutable", 0) != 0 || api->uri_boolean(name, "nolock", 0) != 0;
    return request;
}

int sluice_file_open(sluice_file *file, sluice_registration *registration, const char *name, int flags) {
    const sq_api *api = registration->api;
    sluice_open_request *request = request_of(api, name, flags);
    if (request == NULL) {
        return SQ_NOMEM;
    }
    memset(file, 0, sizeof *file);
    file->api = api;
    file->registration = registration;
    atomic_fetch_add_explicit(&registration->users, 1, memory_order_relaxed);
    sluice_open_file_add(&file->open);
    file->base.methods = &sluice_io_methods;
    request->self = (int64_t)(intptr_t)file;
    bool is_unlocked = request->is_unlocked != 0;
    open_in_java(file, request);
    free(request);

    if (file->failure == SQ_OK && (file->is_fixed || is_unlocked)) {
        int rc = sluice_view_pin(file);
        file->is_always_pinned = true;
        if (rc != SQ_OK) {
            fail(file, rc, "open replica: its view could not be pinned");
        }
    }
    return SQ_OK;
}
