/* Any bytes at all as a tar archive of groups: each has a key, fields of different names with all their bytes, or it is an error of one line; and
 * there is an end. */
#include "data/shard.h"
#include "fuzz/file.h"

static void check_group(const lac_shard_group *g)
{
    volatile char last;
    if (g->key[0] == '\0' || g->n < 1 || g->n > LAC_SHARD_FIELDS)
        abort();
    for (int i = 0; i < g->n; i++) {
        if (g->field[i].name[0] == '\0' || lac_shard_find(g, g->field[i].name) != &g->field[i] || g->field[i].bytes[g->field[i].size] != '\0')
            abort();
        last = g->field[i].bytes[0];
    }
    (void)last;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    lac_shard *shard;
    const lac_shard_group *g = NULL;
    lac_error_clear();
    const lac_status opened = lac_shard_open(&shard, fuzz_file("shard.tar", bytes, size));
    lac_status s = opened;
    fuzz_check(s);
    for (size_t calls = 0; opened == LAC_OK && (s == LAC_ERR_FORMAT || calls == 0 || g != NULL); calls++) {
        s = lac_shard_next(shard, &g);
        fuzz_check(s);
        if (g != NULL)
            check_group(g);
        if (calls > 1024 * (size + 2))          /* a member has a header of 512 bytes, but gzip packs a thousandfold */
            abort();
    }
    lac_shard_close(shard);
    return 0;
}
