#include "page1.h"

#include <stddef.h>
#include <string.h>

typedef struct range {
    uint32_t from;
    uint32_t to;
} range;

static const range view_bytes[] = {{18, 20}, {24, 32}, {40, 44}, {92, 96}};

void sluice_page1_patch(uint8_t *bytes, uint32_t offset, uint32_t amount, const uint8_t *header) {
    for (size_t i = 0; i < sizeof view_bytes / sizeof view_bytes[0]; i++) {
        uint32_t from = view_bytes[i].from > offset ? view_bytes[i].from : offset;
        uint32_t to = view_bytes[i].to < offset + amount ? view_bytes[i].to : offset + amount;
        if (from < to) {
            memcpy(bytes + (from - offset), header + from, to - from);
        }
    }
}
