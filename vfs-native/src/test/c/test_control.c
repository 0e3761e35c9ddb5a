#include "test_control.h"

#include "check.h"

#include <stdatomic.h>
#include <string.h>

sluice_control *new_control(uint32_t slots) {
    size_t bytes = 128 + 64 * (size_t)slots + 192 * ((size_t)slots + 2);
    sluice_control *control = (sluice_control *)(intptr_t)sluice_memory_map((int64_t)bytes);
    CHECK(control != NULL);
    memcpy(control->magic, "SLUICEC1", 8);
    control->version = 1;
    control->slot_count = slots;
    control->record_count = slots + 2;
    control->epoch = 1;
    return control;
}

sluice_view *record(sluice_control *control, uint32_t index) {
    return (sluice_view *)(void *)((uint8_t *)control + 128 + 64 * (size_t)control->slot_count + 192 * (size_t)index);
}

void write_view(sluice_view *view, uint64_t txid) {
    view->txid = txid;
    view->commit = PAGES;
    view->page_size = PAGE_BYTES;
    view->epoch = 1;
    view->time_millis = (int64_t)txid;
    memset(view->header, (int)(txid & 0xff), sizeof view->header);
}

void publish(sluice_control *control, uint64_t txid, uint32_t index) {
    atomic_store_explicit(&control->publish, txid << 16 | index, memory_order_release);
    atomic_thread_fence(memory_order_seq_cst); /* before the slots are read */
}

bool is_free(sluice_control *control, uint32_t index, uint32_t published) {
    for (uint32_t i = 0; i < control->slot_count; i++) {
        uint64_t word = atomic_load_explicit(&control->slots[i].word, memory_order_acquire);
        if (word != 0 && (word & 0xffff) == index) {
            return false;
        }
    }
    return index != published;
}
