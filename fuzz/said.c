/* Any bytes at all as what is said of pictures (--prompts FILE.json): texts, labels and boxes in order, or an error of one line. */
#include "eval/finished_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[64];

static void write_file(const uint8_t *bytes, size_t size)
{
    if (path[0] == '\0')
        snprintf(path, sizeof path, "/tmp/fuzz-said-%d", (int)getpid());
    FILE *f = fopen(path, "wb");
    if (f == NULL || fwrite(bytes, 1, size, f) != size || fclose(f) != 0)
        abort();
}

static void check(const lac_finished *f)
{
    const lac_object_box *box = f->entry[0].said.box;
    if (box != NULL && !(box->left < box->right && box->top < box->bottom && box->width >= 0 && box->height >= 0))
        abort();
    for (int64_t i = 1; i < f->n_classes; i++)
        if (strcmp(f->classes[i - 1], f->classes[i]) >= 0)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    lac_finished_entry entry = { .id = "a" };
    lac_finished f = { .entry = &entry, .n_entries = 1 };
    write_file(bytes, size);
    f.ask.prompts = path;
    const lac_status s = lac_finished_read_said(&f);
    if (s == LAC_OK)
        check(&f);
    else if (lac_error_message()[0] == '\0' || strchr(lac_error_message(), '\n') != NULL)
        abort();
    json_decref(f.captions);
    free(f.classes);
    unlink(path);
    return 0;
}
