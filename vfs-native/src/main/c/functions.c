/*
 * The SQL functions, each with an optional schema: litestream_txid, litestream_time, litestream_lag, litestream_error.
 *
 * A function is given a context, and needs the api to ask it anything, even for its user data. So there is one entry
 * point for each registration, and a function is made with the one of its SQLite.
 */
#include "file.h"
#include "registration.h"

#include <stdlib.h>

typedef struct function {
    const char *name;
    int question;
    int is_number;
    int flags;
} function;

/*
 * Not deterministic: a transaction's end changes the answer. Innocuous, but for the error, whose words name places outside
 * the database: a schema from elsewhere has no business with those.
 */
static const function functions[] = {
    {"litestream_txid", SLUICE_ASK_TXID, 0, SQ_UTF8 | SQ_INNOCUOUS},
    {"litestream_time", SLUICE_ASK_TIME, 0, SQ_UTF8 | SQ_INNOCUOUS},
    {"litestream_lag", SLUICE_ASK_LAG, 1, SQ_UTF8 | SQ_INNOCUOUS},
    {"litestream_error", SLUICE_ASK_ERROR, 0, SQ_UTF8 | SQ_DIRECTONLY},
};

static void call(const sq_api *api, sq_context *context, int argument_count, sq_value **arguments) {
    const function *called = api->user_data(context);
    const char *schema = "main";
    if (argument_count > 0 && api->value_type(arguments[0]) != SQ_NULL) {
        schema = (const char *)api->value_text(arguments[0]);
    }
    sluice_file *file = schema == NULL ? NULL : sluice_file_of(api, api->context_db_handle(context), schema);
    if (file == NULL) {
        api->result_error(context, "not a replica", -1);
        return;
    }
    char text[SLUICE_TEXT_BYTES];
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
    }
ENTRY(0) ENTRY(1) ENTRY(2) ENTRY(3) ENTRY(4) ENTRY(5) ENTRY(6) ENTRY(7)
ENTRY(8) ENTRY(9) ENTRY(10) ENTRY(11) ENTRY(12) ENTRY(13) ENTRY(14) ENTRY(15)

static void (*const entries[])(sq_context *, int, sq_value **) = {
    entry0, entry1, entry2,  entry3,  entry4,  entry5,  entry6,  entry7,
    entry8, entry9, entry10, entry11, entry12, entry13, entry14, entry15,
};
_Static_assert(sizeof entries / sizeof entries[0] == SLUICE_REGISTRATIONS_MAX, "one entry a registration");

/*
 * Runs on every connection that SQLite opens, ours or not, so it never fails: a connection without the functions is
 * better than none.
 */
static int make_functions(sq_db *db, char **out_message, const sq_api *api) {
    (void)out_message;
    for (size_t i = 0; i < SLUICE_REGISTRATIONS_MAX; i++) {
        if (sluice_registrations[i].api != api) {
            continue;
        }
        for (size_t f = 0; f < sizeof functions / sizeof functions[0]; f++) {
            for (int arguments = 0; arguments <= 1; arguments++) {
                (void)api->create_function_v2(db, functions[f].name, arguments, functions[f].flags,
                                              (void *)(uintptr_t)&functions[f], entries[i], NULL, NULL, NULL);
            }
        }
        break;
    }
    return SQ_OK;
}

int sluice_functions_register(const sq_api *api) {
    return api->auto_extension((void (*)(void))make_functions);
}
