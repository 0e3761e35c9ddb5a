/* Compares abi.h with SQLite's own header wherever that is installed; makes no code. */
#include "abi.h"

#include <stddef.h>

#if defined(__has_include)
#if __has_include(<sqlite3ext.h>)
#include <sqlite3ext.h>
#define SLUICE_HAS_SQLITE_HEADER 1
#endif
#endif

#ifdef SLUICE_HAS_SQLITE_HEADER
#define SAME_PLACE(ours, our_member, theirs, their_member)                                                      \
    _Static_assert(offsetof(ours, our_member) == offsetof(theirs, their_member), #ours "." #our_member);        \
    _Static_assert(sizeof(((ours *)0)->our_member) == sizeof(((theirs *)0)->their_member), #our_member " size")
#define SAME_VALUE(name) _Static_assert(SQ_##name == SQLITE_##name, "SQLITE_" #name)
#define IO(member) SAME_PLACE(sq_io_methods, member, sqlite3_io_methods, member)
#define VFS(member) SAME_PLACE(sq_vfs, member, sqlite3_vfs, member)
#undef sqlite3_libversion_number
#define API(member) SAME_PLACE(sq_api, member, sqlite3_api_routines, member)

SAME_PLACE(sq_file, methods, sqlite3_file, pMethods);
SAME_PLACE(sq_io_methods, version, sqlite3_io_methods, iVersion);
IO(xClose); IO(xRead); IO(xWrite); IO(xTruncate); IO(xSync); IO(xFileSize); IO(xLock); IO(xUnlock);
IO(xCheckReservedLock); IO(xFileControl); IO(xSectorSize); IO(xDeviceCharacteristics);

SAME_PLACE(sq_vfs, version, sqlite3_vfs, iVersion);
SAME_PLACE(sq_vfs, file_bytes, sqlite3_vfs, szOsFile);
SAME_PLACE(sq_vfs, path_bytes_max, sqlite3_vfs, mxPathname);
SAME_PLACE(sq_vfs, next, sqlite3_vfs, pNext);
SAME_PLACE(sq_vfs, name, sqlite3_vfs, zName);
SAME_PLACE(sq_vfs, app_data, sqlite3_vfs, pAppData);
VFS(xOpen); VFS(xDelete); VFS(xAccess); VFS(xFullPathname); VFS(xDlOpen); VFS(xDlError); VFS(xDlSym); VFS(xDlClose);
VFS(xRandomness); VFS(xSleep); VFS(xCurrentTime); VFS(xGetLastError); VFS(xCurrentTimeInt64);

API(free); API(get_autocommit); API(libversion_number); API(mprintf); API(result_error); API(result_int64); API(result_null); API(result_text); API(user_data);
API(value_text); API(value_type); API(file_control); API(vfs_find); API(vfs_register); API(result_error_code);
API(context_db_handle); API(create_function_v2); API(uri_boolean); API(uri_parameter); API(auto_extension); API(uri_key);
API(vfs_unregister); API(cancel_auto_extension);
#if SQLITE_VERSION_NUMBER >= SQ_VERSION_IS_INTERRUPTED
API(is_interrupted);
#elif SQLITE_VERSION_NUMBER >= 3040000
_Static_assert(offsetof(sq_api, is_interrupted) == sizeof(sqlite3_api_routines), "sqlite3_is_interrupted comes next");
#endif

SAME_VALUE(OK); SAME_VALUE(ERROR); SAME_VALUE(BUSY); SAME_VALUE(NOMEM); SAME_VALUE(READONLY); SAME_VALUE(INTERRUPT);
SAME_VALUE(IOERR); SAME_VALUE(NOTFOUND); SAME_VALUE(CANTOPEN); SAME_VALUE(OK_LOAD_PERMANENTLY); SAME_VALUE(IOERR_READ);
SAME_VALUE(IOERR_SHORT_READ); SAME_VALUE(IOERR_LOCK); SAME_VALUE(OPEN_READONLY); SAME_VALUE(OPEN_READWRITE);
SAME_VALUE(OPEN_CREATE); SAME_VALUE(OPEN_MAIN_DB); SAME_VALUE(OPEN_TEMP_DB); SAME_VALUE(OPEN_TRANSIENT_DB);
SAME_VALUE(OPEN_TEMP_JOURNAL); SAME_VALUE(OPEN_SUBJOURNAL); SAME_VALUE(OPEN_SUPER_JOURNAL); SAME_VALUE(LOCK_NONE);
SAME_VALUE(LOCK_SHARED); SAME_VALUE(FCNTL_LOCKSTATE); SAME_VALUE(FCNTL_FILE_POINTER); SAME_VALUE(FCNTL_VFSNAME);
SAME_VALUE(FCNTL_PRAGMA); SAME_VALUE(FCNTL_HAS_MOVED); SAME_VALUE(FCNTL_PDB); SAME_VALUE(IOCAP_IMMUTABLE); SAME_VALUE(UTF8);
SAME_VALUE(DIRECTONLY); SAME_VALUE(INNOCUOUS); SAME_VALUE(NULL);
#endif

/* An empty translation unit is not C. */
typedef int sluice_abi_checked;
