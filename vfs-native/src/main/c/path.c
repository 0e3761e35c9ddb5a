#include "path.h"

#include "abi.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static const char lead[] = "replica-";
static _Atomic uint64_t made;

int sluice_path_make(const char *label, int capacity, char *out_path) {
    unsigned long long number = atomic_fetch_add_explicit(&made, 1, memory_order_relaxed) + 1;
    int bytes = capacity <= 0 ? capacity : snprintf(out_path, (size_t)capacity, "%s%llu:%s", lead, number, label);
    return 0 < bytes && bytes < capacity ? SQ_OK : SQ_CANTOPEN;
}

const char *sluice_path_label(const char *path) {
    if (path == NULL || strncmp(path, lead, sizeof lead - 1) != 0) {
        return NULL;
    }
    const char *number = path + sizeof lead - 1;
    const char *end = number + strspn(number, "0123456789");
    return end > number && *end == ':' ? end + 1 : NULL;
}
