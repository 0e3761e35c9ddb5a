/*
 * The parts of SQLite's binary interface that this extension uses.
 *
 * SQLite has promised never to change them: structures only grow at their ends. Having them here frees the build from
 * SQLite's development package. Every name is SQLite's with `sq` in place of `sqlite3`; abi_check.c compares each offset,
 * size and constant with the real header wherever one is installed.
 */
#ifndef SLUICE_ABI_H
#define SLUICE_ABI_H

#include <stdint.h>

#define SQ_OK 0
#define SQ_ERROR 1
#define SQ_BUSY 5
#define SQ_NOMEM 7
#define SQ_READONLY 8
#define SQ_INTERRUPT 9
#define SQ_IOERR 10
#define SQ_NOTFOUND 12
#define SQ_CANTOPEN 14
#define SQ_MISUSE 21
#define SQ_OK_LOAD_PERMANENTLY (0 | (1 << 8))
#define SQ_IOERR_READ (10 | (1 << 8))
#define SQ_IOERR_SHORT_READ (10 | (2 << 8))
#define SQ_IOERR_LOCK (10 | (15 << 8))

#define SQ_OPEN_READONLY 0x00000001
#define SQ_OPEN_READWRITE 0x00000002
#define SQ_OPEN_CREATE 0x00000004
#define SQ_OPEN_MAIN_DB 0x00000100
#define SQ_OPEN_TEMP_DB 0x00000200
#define SQ_OPEN_TRANSIENT_DB 0x00000400
#define SQ_OPEN_TEMP_JOURNAL 0x00001000
#define SQ_OPEN_SUBJOURNAL 0x00002000
#define SQ_OPEN_SUPER_JOURNAL 0x00004000

#define SQ_LOCK_NONE 0
#define SQ_LOCK_SHARED 1

#define SQ_FCNTL_LOCKSTATE 1
#define SQ_FCNTL_FILE_POINTER 7
#define SQ_FCNTL_VFSNAME 12
#define SQ_FCNTL_PRAGMA 14
#define SQ_FCNTL_HAS_MOVED 20
#define SQ_FCNTL_PDB 30 /* arg: the connection that opens the file, sq_db ** */

#define SQ_IOCAP_IMMUTABLE 0x00002000

#define SQ_UTF8 1
#define SQ_DIRECTONLY 0x000080000
#define SQ_INNOCUOUS 0x000200000
#define SQ_NULL 5

typedef struct sq_db sq_db;
typedef struct sq_value sq_value;
typedef struct sq_context sq_context;
typedef struct sq_vfs sq_vfs;
typedef struct sq_file sq_file;

typedef struct sq_io_methods {
    int version;
    int (*xClose)(sq_file *);
    int (*xRead)(sq_file *, void *dst, int amount, int64_t offset);
    int (*xWrite)(sq_file *, const void *src, int amount, int64_t offset);
    int (*xTruncate)(sq_file *, int64_t size);
    int (*xSync)(sq_file *, int flags);
    int (*xFileSize)(sq_file *, int64_t *out_size);
    int (*xLock)(sq_file *, int level);
    int (*xUnlock)(sq_file *, int level);
    int (*xCheckReservedLock)(sq_file *, int *out_reserved);
    int (*xFileControl)(sq_file *, int op, void *arg);
    int (*xSectorSize)(sq_file *);
    int (*xDeviceCharacteristics)(sq_file *);
} sq_io_methods; /* version 1; what versions 2 and 3 add is shared memory and mapping, which a replica has not */

struct sq_file {
    const sq_io_methods *methods;
};

struct sq_vfs {
    int version;
    int file_bytes;
    int path_bytes_max;
    sq_vfs *next;
    const char *name;
    void *app_data;
    int (*xOpen)(sq_vfs *, const char *name, sq_file *, int flags, int *out_flags);
    int (*xDelete)(sq_vfs *, const char *name, int sync_dir);
    int (*xAccess)(sq_vfs *, const char *name, int flags, int *out_result);
    int (*xFullPathname)(sq_vfs *, const char *name, int capacity, char *out_path);
    void *(*xDlOpen)(sq_vfs *, const char *name);
    void (*xDlError)(sq_vfs *, int capacity, char *out_message);
    void (*(*xDlSym)(sq_vfs *, void *, const char *symbol))(void);
    void (*xDlClose)(sq_vfs *, void *);
    int (*xRandomness)(sq_vfs *, int count, char *out_bytes);
    int (*xSleep)(sq_vfs *, int micros);
    int (*xCurrentTime)(sq_vfs *, double *out_julian_day);
    int (*xGetLastError)(sq_vfs *, int capacity, char *out_message);
    int (*xCurrentTimeInt64)(sq_vfs *, int64_t *out_julian_millis); /* since version 2 */
};

typedef void (*sq_unused)(void);

/*
 * SQLite's table of functions, up to the last one used. SQ_VERSION_MIN has all but the last: an older table ends before it.
 */
typedef struct sq_api {
    sq_unused unused0[58];
    void (*free)(void *);
    sq_unused unused59;
    int (*get_autocommit)(sq_db *);
    sq_unused unused61[6];
    int (*libversion_number)(void);
    sq_unused unused68;
    char *(*mprintf)(const char *, ...);
    sq_unused unused70[10];
    void (*result_error)(sq_context *, const char *, int);
    sq_unused unused81[2];
    void (*result_int64)(sq_context *, int64_t);
    void (*result_null)(sq_context *);
    void (*result_text)(sq_context *, const char *, int bytes, void (*destructor)(void *));
    sq_unused unused86[15];
    void *(*user_data)(sq_context *);
    sq_unused unused102[7];
    const unsigned char *(*value_text)(sq_value *);
    sq_unused unused110[3];
    int (*value_type)(sq_value *);
    sq_unused unused114[13];
    int (*file_control)(sq_db *, const char *schema, int op, void *arg);
    sq_unused unused128[13];
    sq_vfs *(*vfs_find)(const char *);
    int (*vfs_register)(sq_vfs *, int make_default);
    int (*vfs_unregister)(sq_vfs *);
    sq_unused unused144[2];
    void (*result_error_code)(sq_context *, int);
    sq_unused unused147[2];
    sq_db *(*context_db_handle)(sq_context *);
    sq_unused unused150[12];
    int (*create_function_v2)(sq_db *, const char *name, int args, int flags, void *user_data,
                              void (*call)(sq_context *, int, sq_value **), void (*step)(sq_context *, int, sq_value **),
                              void (*last)(sq_context *), void (*destroy)(void *));
    sq_unused unused163[24];
    int (*uri_boolean)(const char *name, const char *key, int otherwise);
    sq_unused unused188;
    const char *(*uri_parameter)(const char *name, const char *key);
    sq_unused unused190[2];
    int (*auto_extension)(void (*entry)(void));
    sq_unused unused193[2];
    int (*cancel_auto_extension)(void (*entry)(void));
    sq_unused unused196[49];
    const char *(*uri_key)(const char *name, int index);
    sq_unused unused246[20];
    int (*is_interrupted)(sq_db *); /* since SQ_VERSION_IS_INTERRUPTED */
} sq_api;

#define SQ_VERSION_MIN 3031000
#define SQ_VERSION_IS_INTERRUPTED 3041000

/* Tells SQLite to copy the text at once. */
#define SQ_TRANSIENT ((void (*)(void *))(intptr_t)-1)

#endif
