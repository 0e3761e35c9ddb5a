/* Pins: which view a read transaction sees. */
#include "file.h"

#define PAGE_BYTES_MIN 512u
#define PAGE_BYTES_MAX 65536u

static int pin_through_java(sluice_file *file) {
    if (!sluice_call_begin(&file->open)) {
        return SQ_IOERR_LOCK;
    }
    int returned = file->open.backend->pin(file->java, (int64_t)(intptr_t)&file->java_view);
    sluice_call_end(&file->open);
    int rc = sluice_code_of(returned, SQ_IOERR_LOCK);
    if (rc != SQ_OK) {
        sluice_note_read(file, rc);
    } else {
        sluice_count(&file->open.counters.java_pins);
        file->view = &file->java_view;
    }
    return rc;
}

uint64_t sluice_view_word(const sluice_file *file) {
    /* Only this thread writes its own slot, so its word is the one that pins file->view. */
    return file->view == &file->java_view ? 0 : atomic_load_explicit(&file->slot->word, memory_order_relaxed);
}

void sluice_view_unpin(sluice_file *file) {
    if (file->view == NULL) {
        return;
    }
    if (file->view != &file->java_view) {
        sluice_slot_unpin(file->slot);
    } else if (sluice_call_begin(&file->open)) {
        (void)file->open.backend->unpin(file->java); /* Java logs what fails here; there is nothing left to undo */
        sluice_call_end(&file->open);
    }
    file->view = NULL;
}

int sluice_view_pin(sluice_file *file) {
    if (!sluice_backend_is_current(&file->open)) {
        return SQ_IOERR_LOCK;
    }
    if (file->slot != NULL && !file->is_moved) {
        file->view = sluice_slot_pin(file->control, file->slot);
    }
    if (file->view == NULL) {
        int rc = pin_through_java(file);
        if (rc != SQ_OK) {
            return rc;
        }
    }
    uint32_t page_size = file->view->page_size;
    if (page_size < PAGE_BYTES_MIN || page_size > PAGE_BYTES_MAX || (page_size & (page_size - 1)) != 0) {
        sluice_view_unpin(file);
        return SQ_IOERR_LOCK;
    }
    return SQ_OK;
}

int sluice_view_enter(sluice_file *file, bool *out_taken) {
    *out_taken = false;
    if (file->failure != SQ_OK) {
        return file->failure;
    }
    if (file->view != NULL) {
        return SQ_OK;
    }
    int rc = sluice_view_pin(file);
    *out_taken = rc == SQ_OK;
    return rc;
}

void sluice_view_leave(sluice_file *file, bool taken) {
    if (taken) {
        sluice_view_unpin(file);
    }
}
