/*
 * The SQL functions, each with an optional schema as the last argument: litestream_txid, litestream_time, litestream_lag,
 * litestream_error, litestream_set_time, litestream_wait_txid.
 *
 * A function is given a context, and needs the api to ask it anything, even for its user data. So there is one entry
 * point for each registration, and a function is made with the one of its SQLite.
 */
#include "failures.h"
#include "file.h"
#include "registration.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct function {
    const char *name;
    int question;
    int value_count; /* arguments before the schema */
    int is_number;
    int flags;
} function;

/*
 * Not deterministic: a transaction's end changes the answer. Innocuous, but for the error, whose words name places outside
 * the database, and for what does something: a schema from elsewhere has no business with those.
 */
static const function functions[] = {
    {"litestream_txid", SLUICE_ASK_TXID, 0, 0, SQ_UTF8 | SQ_INNOCUOUS},
    {"litestream_time", SLUICE_ASK_TIME, 0, 0, SQ_UTF8 | SQ_INNOCUOUS},
    {"litestream_lag", SLUICE_ASK_LAG, 0, 1, SQ_UTF8 | SQ_INNOCUOUS},
    {"litestream_error", SLUICE_ASK_ERROR, 0, 0, SQ_UTF8 | SQ_DIRECTONLY},
    {"litestream_set_time", SLUICE_ASK_SET_TIME, 1, 0, SQ_UTF8 | SQ_DIRECTONLY},
    {"litestream_wait_txid", SLUICE_ASK_WAIT_TXID, 2, 0, SQ_UTF8 | SQ_DIRECTONLY},
};

/* Joins the values before the schema with newlines; false if one is NULL or they are too long. */
static bool join_values(const sq_api *api, int count, sq_value **arguments, char text[SLUICE_TEXT_BYTES]) {
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < count; i++) {
        const char *value = (const char *)api->value_text(arguments[i]);
        int bytes = value == NULL ? -1
                                  : snprintf(text + used, SLUICE_TEXT_BYTES - used, "%s%s", i > 0 ? "\n" : "", value);
        if (bytes < 0 || (size_t)bytes >= SLUICE_TEXT_BYTES - used) {
            return false;
        }
        used += (size_t)bytes;
    }
    return true;
}

static void call(const sq_api *api, sq_context *context, int argument_count, sq_value **arguments) {
    const function *called = api->user_data(context);
    const char *schema = "main";
    int values = called->value_count;
    if (argument_count > values && api->value_type(arguments[values]) != SQ_NULL) {
        schema = (const char *)api->value_text(arguments[values]);
    }
    sluice_file *file = schema == NULL ? NULL : sluice_file_of(api, api->context_db_handle(context), schema);
    char text[SLUICE_TEXT_BYTES];
    if (file == NULL) {
        if (called->question == SLUICE_ASK_ERROR && sluice_failure_find(api->context_db_handle(context), text)) {
            api->result_text(context, text, -1, SQ_TRANSIENT); /* why it is not one: its ATTACH failed */
        } else {
            api->result_error(context, "not a replica", -1);
        }
        return;
    }
    if (!join_values(api, values, arguments, text)) {
        api->result_error(context, "an argument is NULL, or too long", -1);
        return;
    }
    int rc = sluice_answer(file, called->question, text);
    if (rc != SQ_OK) {
        api->result_error(context, text, -1);
        api->result_error_code(context, rc);
    } else if (called->question == SLUICE_ASK_ERROR && text[0] == '\0') {
        api->result_null(context);
    } else if (called->is_number) {
        api->result_int64(context, strtoll(text, NULL, 10));
    } else {
        api->result_text(context, text, -1, SQ_TRANSIENT);
    }
}

#define ENTRY(n)                                                                                          \
    static void entry##n(sq_context *context, int argument_count, sq_value **arguments) {                 \
        call(sluice_registrations[n].api, context, argument_count, arguments);                            \
    }                                                                                                     \
    static void destroy##n(void *user_data) {                                                             \
        (void)user_data;                                                                                  \
        atomic_fetch_sub_explicit(&sluice_registrations[n].users, 1, memory_order_release);               \
    }
ENTRY(0) ENTRY(1) ENTRY(2) ENTRY(3) ENTRY(4) ENTRY(5) ENTRY(6) ENTRY(7)
ENTRY(8) ENTRY(9) ENTRY(10) ENTRY(11) ENTRY(12) ENTRY(13) ENTRY(14) ENTRY(15)

typedef struct entry {
    void (*call)(sq_context *, int, sq_value **);
    void (*destroy)(void *);
} entry;

#define BOTH(n) {entry##n, destroy##n}
static const entry entries[] = {
    BOTH(0), BOTH(1), BOTH(2),  BOTH(3),  BOTH(4),  BOTH(5),  BOTH(6),  BOTH(7),
    BOTH(8), BOTH(9), BOTH(10), BOTH(11), BOTH(12), BOTH(13), BOTH(14), BOTH(15),
};
_Static_assert(sizeof entries / sizeof entries[0] == SLUICE_REGISTRATIONS_MAX, "one entry a registration");

/*
 * Runs on every connection that SQLite opens, ours or not, so it never fails: a connection without the functions is
 * better than none.
 */
static int make_functions(sq_db *db, char **out_message, const sq_api *api) {
    (void)out_message;
    sluice_failure_forget(db); /* of a connection that was closed, and lay at this address */
    sluice_registration *registration = sluice_registration_use(api);
    if (registration == NULL) {
        return SQ_OK;
    }
    const entry *own = &entries[registration - sluice_registrations];
    for (size_t f = 0; f < sizeof functions / sizeof functions[0]; f++) {
        int values = functions[f].value_count;
        for (int arguments = values; arguments <= values + 1; arguments++) {
            /* SQLite calls destroy once for each, even if this fails. */
            atomic_fetch_add_explicit(&registration->users, 1, memory_order_relaxed);
            (void)api->create_function_v2(db, functions[f].name, arguments, functions[f].flags,
                                          (void *)(uintptr_t)&functions[f], own->call, NULL, NULL, own->destroy);
        }
    }
    atomic_fetch_sub_explicit(&registration->users, 1, memory_order_release);
    return SQ_OK;
}

int sluice_functions_register(const sq_api *api) {
    return api->auto_extension((void (*)(void))make_functions);
}

void sluice_functions_unregister(const sq_api *api) {
    (void)api->cancel_auto_extension((void (*)(void))make_functions);
}
