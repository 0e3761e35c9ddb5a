/*
 * `control`: what a replica's one writer (Java) shows to its readers (C), and the slots by which a reader holds a view.
 * Native byte order. Only Java writes, except the slots.
 *
 *     0   u64 magic, the bytes "SLUICEC1"            12  u32 page size (0 before the first publish)
 *     8   u32 layout version = 1                     16  u32 slot count S
 *     20  u32 record count R = S + 2                 24  u64 epoch
 *     64  u64 publish word = TXID << 16 | record;    0 = nothing is published here, a pin goes through Java
 *     128 + 64 i          slot i: u64 pinned word (0 = none), u32 owner (0 = free)
 *     128 + 64 S + 192 j  view record j: immutable while a slot holds its word
 */
#ifndef SLUICE_CONTROL_H
#define SLUICE_CONTROL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLUICE_HEADER_BYTES 100
#define SLUICE_CONTROL_VERSION 1u

typedef struct sluice_slot {
    _Atomic uint64_t word;
    _Atomic uint32_t owner;
    uint32_t unused[13];
} sluice_slot;

typedef struct sluice_view {
    uint64_t txid;
    uint32_t commit; /* pages */
    uint32_t page_size;
    uint64_t epoch;
    int64_t time_millis;
    uint8_t header[SLUICE_HEADER_BYTES]; /* the first bytes of page 1 as SQLite shall see them */
    uint8_t unused[60];
} sluice_view;

typedef struct sluice_control {
    uint8_t magic[8];
    uint32_t version;
    uint32_t page_size;
    uint32_t slot_count;
    uint32_t record_count;
    uint64_t epoch;
    uint64_t unused0[4];
    _Atomic uint64_t publish;
    uint64_t unused1[7];
    sluice_slot slots[];
} sluice_control;

_Static_assert(sizeof(sluice_slot) == 64, "one cache line a slot");
_Static_assert(sizeof(sluice_view) == 192, "view record");
_Static_assert(offsetof(sluice_view, time_millis) == 24, "view record");
_Static_assert(offsetof(sluice_view, header) == 32, "view record");
_Static_assert(offsetof(sluice_control, publish) == 64, "publish word");
_Static_assert(offsetof(sluice_control, slots) == 128, "slots");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2, "shared words must be lock-free");

/* Returns whether the memory holds a control of this layout. */
bool sluice_control_is_valid(const sluice_control *control);

/* Claims a free slot; NULL if there is none. */
sluice_slot *sluice_slot_claim(sluice_control *control);

/* Gives a claimed slot back, unpinned. */
void sluice_slot_release(sluice_slot *slot);

/* Pins the latest view in the slot and returns its record; NULL if nothing is published here. */
const sluice_view *sluice_slot_pin(sluice_control *control, sluice_slot *slot);

void sluice_slot_unpin(sluice_slot *slot);

#endif
