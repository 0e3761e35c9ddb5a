#include "control.h"

#include <string.h>

bool sluice_control_is_valid(const sluice_control *control) {
    return memcmp(control->magic, "SLUICEC1", sizeof control->magic) == 0 && control->version == SLUICE_CONTROL_VERSION &&
           control->slot_count <= UINT16_MAX && control->record_count >= control->slot_count + 2;
}

sluice_slot *sluice_slot_claim(sluice_control *control) {
    for (uint32_t i = 0; i < control->slot_count; i++) {
        sluice_slot *slot = &control->slots[i];
        uint32_t is_free = 0;
        /* acquire: pairs with the release in sluice_slot_release, so the former owner's word is seen cleared */
        if (atomic_load_explicit(&slot->owner, memory_order_relaxed) == 0 &&
            atomic_compare_exchange_strong_explicit(&slot->owner, &is_free, 1, memory_order_acquire,
                                                    memory_order_relaxed)) {
            return slot;
        }
    }
    return NULL;
}

void sluice_slot_release(sluice_slot *slot) {
    sluice_slot_unpin(slot);
    atomic_store_explicit(&slot->owner, 0, memory_order_release); /* pairs with the acquire in sluice_slot_claim */
}

static const sluice_view *view_of(const sluice_control *control, uint64_t word) {
    uint32_t index = (uint32_t)(word & 0xffff);
    if (index >= control->record_count) {
        return NULL;
    }
    const uint8_t *records = (const uint8_t *)&control->slots[control->slot_count];
    return (const sluice_view *)(const void *)(records + (size_t)index * sizeof(sluice_view));
}

const sluice_view *sluice_slot_pin(sluice_control *control, sluice_slot *slot) {
    /*
     * A hazard pointer. The writer stores the publish word, fences, and then reads the slots; here the slot is stored and
     * then the publish word read again, all in the one order of seq_cst. So either the writer sees this slot and keeps
     * the record, or the second load sees the newer word and the loop goes round. The loads also acquire what the writer
     * released with the publish word: the record's bytes.
     */
    uint64_t word = atomic_load_explicit(&control->publish, memory_order_seq_cst);
    while (word != 0) {
        atomic_store_explicit(&slot->word, word, memory_order_seq_cst);
        uint64_t again = atomic_load_explicit(&control->publish, memory_order_seq_cst);
        if (again == word) {
            return view_of(control, word);
        }
        word = again;
    }
    sluice_slot_unpin(slot);
    return NULL;
}

void sluice_slot_unpin(sluice_slot *slot) {
    /* release: every read of the record comes before; pairs with the writer's scan, which then reuses the record */
    atomic_store_explicit(&slot->word, 0, memory_order_release);
}
