/* Any bytes at all as a packed set: opening, listing, decoding each record either works or fails with one line. */
#include "data/set.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void expect_line(lac_status s)
{
    if (s != LAC_OK && (lac_error_message()[0] == '\0' || strchr(lac_error_message(), '\n') != NULL))
        abort();
}

static void use(const char *path)
{
    lac_set *set = NULL;
    lac_error_clear();
    const lac_status s = lac_set_open(&set, path);
    expect_line(s);
    if (s != LAC_OK)
        return;
    for (int64_t i = 0; i < lac_set_count(set) && i < 4; i++) {
        lac_image image = { 0 };
        const lac_record r = lac_set_record(set, i);
        if (r.height * r.width < 1 << 20)
            expect_line(lac_set_decode(set, i, 3, &image));
        lac_image_free(&image);
    }
    for (int64_t i = 0; i < lac_set_part_count(set) && i < 4; i++) {
        uint8_t *bytes = NULL;
        size_t capacity = 0;
        int64_t first;
        const lac_part p = lac_set_part(set, i);
        if (lac_set_parts(set, p.record, p.kind, &first) < 1 || first > i)
            abort();
        expect_line(lac_set_read_part(set, i, &bytes, &capacity));
        free(bytes);
    }
    int64_t *ids = NULL, n;
    if (lac_set_select(set, "", LAC_KIND_PHOTO, &ids, &n) == LAC_OK)
        free(ids);
    lac_set_close(set);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char path[] = "/dev/shm/lacuna-fuzz-XXXXXX";
    const int fd = mkstemp(path);
    if (fd < 0)
        return 0;
    if (write(fd, bytes, size) == (ssize_t)size)
        use(path);
    close(fd);
    unlink(path);
    return 0;
}
