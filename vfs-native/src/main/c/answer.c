/* What the SQL functions and PRAGMAs say, and xFileControl. */
#include "failures.h"
#include "file.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Asks Java; what is not answered in time, or at all, is a code with its reason in the text. */
static int ask_java(sluice_file *file, int question, int64_t argument, char text[SLUICE_TEXT_BYTES]) {
    if (!sluice_call_begin(&file->open)) {
        (void)snprintf(text, SLUICE_TEXT_BYTES, "the replica's Java side has gone; open the connection again");
        return SQ_IOERR;
    }
    int answered = file->open.backend->ask(file->java, question, argument, (int64_t)(intptr_t)text, SLUICE_TEXT_BYTES);
    sluice_call_end(&file->open);
    text[SLUICE_TEXT_BYTES - 1] = '\0';
    if (answered == 0) {
        (void)snprintf(text, SLUICE_TEXT_BYTES, "the replica's Java side failed, and so did saying why");
        return SQ_IOERR;
    }
    return answered < 0 ? sluice_code_of(-answered, SQ_IOERR) : SQ_OK;
}

static int answer_about_view(sluice_file *file, int question, char text[SLUICE_TEXT_BYTES]) {
    bool taken;
    int rc = sluice_view_enter(file, &taken);
    if (rc != SQ_OK) {
        if (ask_java(file, SLUICE_ASK_ERROR, 0, text) != SQ_OK || text[0] == '\0') {
            (void)snprintf(text, SLUICE_TEXT_BYTES, "the replica's view could not be pinned");
        }
    } else if (question == SLUICE_ASK_TXID) {
        (void)snprintf(text, SLUICE_TEXT_BYTES, "%016llx", (unsigned long long)file->view->txid);
    } else {
        rc = ask_java(file, question,
                      question == SLUICE_ASK_TIME ? file->view->time_millis : (int64_t)sluice_view_word(file), text);
    }
    sluice_view_leave(file, taken);
    return rc;
}

/* Why the connection's view cannot move now; NULL if it can. What a transaction has read must stay as it is. */
static const char *why_unmovable(const sluice_file *file) {
    if (file->is_always_pinned) {
        return "the view of this connection was fixed at open: open another for another view";
    }
    bool is_in_transaction = file->db != NULL && file->api->get_autocommit(file->db) == 0;
    if (is_in_transaction || file->lock_level != SQ_LOCK_NONE) {
        return "not inside a transaction: end it first, and every query that still has rows";
    }
    return NULL;
}

/* Moves the connection to another view; the answer is the time of that view. */
static int answer_set_time(sluice_file *file, char text[SLUICE_TEXT_BYTES]) {
    const char *refusal = why_unmovable(file);
    if (refusal != NULL) {
        (void)snprintf(text, SLUICE_TEXT_BYTES, "set time: %s", refusal);
        return SQ_ERROR;
    }
    int rc = ask_java(file, SLUICE_ASK_SET_TIME, 0, text);
    if (rc != SQ_OK) {
        return rc;
    }
    file->is_moved = text[0] != '\0';
    return answer_about_view(file, SLUICE_ASK_TIME, text);
}

/* Waits until the connection's next transaction reads a TXID or a later one. */
static int answer_wait_txid(sluice_file *file, char text[SLUICE_TEXT_BYTES]) {
    const char *refusal = why_unmovable(file);
    if (refusal == NULL && file->is_moved) {
        refusal = "the view of this connection was moved: set its time to LATEST first";
    }
    if (refusal != NULL) {
        (void)snprintf(text, SLUICE_TEXT_BYTES, "wait for a TXID: %s", refusal);
        return SQ_ERROR;
    }
    return ask_java(file, SLUICE_ASK_WAIT_TXID, 0, text);
}

int sluice_answer(sluice_file *file, int question, char text[SLUICE_TEXT_BYTES]) {
    if (file->failure != SQ_OK) {
        memcpy(text, file->reason, SLUICE_TEXT_BYTES);
        return question == SLUICE_ASK_ERROR ? SQ_OK : file->failure;
    }
    if (question == SLUICE_ASK_SET_TIME) {
        return answer_set_time(file, text);
    }
    if (question == SLUICE_ASK_WAIT_TXID) {
        return answer_wait_txid(file, text);
    }
    if (question == SLUICE_ASK_ERROR) {
        int rc = ask_java(file, question, sluice_has_healed(file), text);
        if (rc == SQ_OK && text[0] == '\0') {
            (void)sluice_failure_find(file->db, text); /* what another file of the connection failed with, if any */
        }
        return rc;
    }
    if (question == SLUICE_ASK_HYDRATION_PROGRESS || question == SLUICE_ASK_HYDRATION_FILE) {
        return ask_java(file, question, 0, text);
    }
    return answer_about_view(file, question, text);
}

typedef struct pragma {
    const char *name;
    int question;
    int set_question; /* -1: it has no setter */
} pragma;

static const pragma pragmas[] = {
    {"litestream_txid", SLUICE_ASK_TXID, -1},
    {"litestream_time", SLUICE_ASK_TIME, SLUICE_ASK_SET_TIME},
    {"litestream_lag", SLUICE_ASK_LAG, -1},
    {"litestream_error", SLUICE_ASK_ERROR, -1},
    {"litestream_hydration_progress", SLUICE_ASK_HYDRATION_PROGRESS, -1},
    {"litestream_hydration_file", SLUICE_ASK_HYDRATION_FILE, -1},
};

static const pragma *find_pragma(const char *name) {
    for (size_t i = 0; i < sizeof pragmas / sizeof pragmas[0]; i++) {
        if (strcasecmp(pragmas[i].name, name) == 0) {
            return &pragmas[i];
        }
    }
    return NULL;
}

/* `arguments`: 0 out, the answer or the error's message; 1 the PRAGMA's name; 2 its value or NULL. */
static int answer_pragma(sluice_file *file, char **arguments) {
    const pragma *found = find_pragma(arguments[1]);
    char text[SLUICE_TEXT_BYTES] = "";
    int rc = SQ_OK;
    if (file->failure != SQ_OK) {
        /* Whatever is asked of a failed file, why it failed is the answer; only litestream_error succeeds with it. */
        rc = sluice_answer(file, found != NULL ? found->question : SLUICE_ASK_TXID, text);
    } else if (found == NULL) {
        return SQ_NOTFOUND;
    } else if (arguments[2] != NULL && found->set_question < 0) {
        (void)snprintf(text, sizeof text, "%s cannot be set", found->name);
        rc = SQ_ERROR;
    } else if (arguments[2] != NULL) {
        (void)snprintf(text, sizeof text, "%s", arguments[2]);
        rc = sluice_answer(file, found->set_question, text);
    } else {
        rc = sluice_answer(file, found->question, text);
    }
    arguments[0] = file->api->mprintf("%s", text);
    return arguments[0] == NULL ? SQ_NOMEM : rc;
}

/* SQLite says which connection has opened the file. */
static int opened_by(sluice_file *file, sq_db *db) {
    file->db = db;
    if (file->failure != SQ_OK) {
        sluice_failure_keep(db, file->reason);
    } else {
        sluice_failure_forget(db);
    }
    return SQ_OK;
}

int sluice_file_control(sq_file *base, int op, void *arg) {
    sluice_file *file = (sluice_file *)(void *)base;
    switch (op) {
    case SQ_FCNTL_PRAGMA:
        return answer_pragma(file, arg);
    case SQ_FCNTL_PDB:
        return opened_by(file, *(sq_db **)arg);
    case SQ_FCNTL_VFSNAME:
        *(char **)arg = file->api->mprintf("%s", "litestream");
        return *(char **)arg == NULL ? SQ_NOMEM : SQ_OK;
    case SQ_FCNTL_LOCKSTATE:
        *(int *)arg = file->lock_level;
        return SQ_OK;
    case SQ_FCNTL_HAS_MOVED:
        *(int *)arg = 0;
        return SQ_OK;
    default:
        return SQ_NOTFOUND;
    }
}
