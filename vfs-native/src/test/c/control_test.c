/*
 * Pins against publishing: a record that is pinned never changes, however fast views are published. Run by test.sh; says
 * which claim failed.
 */
#include "check.h"
#include "test_control.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

static sluice_control *hammered;
static _Atomic int hammer_done;

static void *pin_often(void *arg) {
    (void)arg;
    sluice_slot *slot = sluice_slot_claim(hammered);
    CHECK(slot != NULL);
    uint64_t last = 0;
    for (int i = 0; i < 1500000; i++) {
        const sluice_view *view = sluice_slot_pin(hammered, slot);
        CHECK(view != NULL);
        /* volatile: the compiler may not assume that the record stays as it is; that is what is tested */
        const volatile sluice_view *seen = view;
        uint64_t txid = seen->txid;
        CHECK(txid >= last);
        CHECK(seen->header[0] == (txid & 0xff));
        CHECK(seen->header[99] == (txid & 0xff));
        CHECK(seen->time_millis == (int64_t)txid);
        CHECK(seen->txid == txid);
        last = txid;
        sluice_slot_unpin(slot);
    }
    sluice_slot_release(slot);
    return NULL;
}

static void *publish_often(void *arg) {
    (void)arg;
    uint32_t published = 0;
    for (uint64_t txid = 2; !atomic_load_explicit(&hammer_done, memory_order_relaxed); txid++) {
        uint32_t index = 0;
        while (!is_free(hammered, index, published)) {
            index++;
            CHECK(index < hammered->record_count);
        }
        write_view(record(hammered, index), txid);
        publish(hammered, txid, index);
        published = index;
    }
    return NULL;
}

static void pinned_record_never_changes(void) {
    hammered = new_control(SLOTS);
    write_view(record(hammered, 0), 1);
    publish(hammered, 1, 0);
    pthread_t writer;
    pthread_t readers[3];
    CHECK(pthread_create(&writer, NULL, publish_often, NULL) == 0);
    for (int i = 0; i < 3; i++) {
        CHECK(pthread_create(&readers[i], NULL, pin_often, NULL) == 0);
    }
    for (int i = 0; i < 3; i++) {
        CHECK(pthread_join(readers[i], NULL) == 0);
    }
    atomic_store(&hammer_done, 1);
    CHECK(pthread_join(writer, NULL) == 0);
    sluice_memory_unmap((int64_t)(intptr_t)hammered);
}

static void slots_run_out(void) {
    sluice_control *control = new_control(2);
    sluice_slot *first = sluice_slot_claim(control);
    sluice_slot *second = sluice_slot_claim(control);
    CHECK(first != NULL && second != NULL && first != second);
    CHECK(sluice_slot_claim(control) == NULL);
    CHECK(sluice_slot_pin(control, first) == NULL); /* nothing is published */
    sluice_slot_release(first);
    CHECK(sluice_slot_claim(control) == first);
    sluice_memory_unmap((int64_t)(intptr_t)control);
}

int main(void) {
    slots_run_out();
    pinned_record_never_changes();
    printf("control_test: ok\n");
    return 0;
}
