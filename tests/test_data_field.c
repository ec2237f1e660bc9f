#include "core/memory.h"
#include "data/field.h"
#include "tests/harness/test.h"

#include <math.h>
#include <stdlib.h>

enum { SIZE = 12, N = 5 };

/* Every field there is, in a batch of N. */
static lac_loader_config all_fields(const char *names[LAC_MAX_FIELDS + 1])
{
    int n = 0;
    for (; lac_field_at(n) != NULL; n++) {
        LAC_CHECK(n < LAC_MAX_FIELDS);
        names[n] = lac_field_at(n)->name;
    }
    names[n] = NULL;
    return (lac_loader_config){ .fields = names, .view.size = SIZE, .seed = 3, .global = N, .count = N };
}

LAC_TEST(a_batch_is_described_without_data)
{
    const char *const fields[] = { "noise", "id", "mask", "time", NULL };
    lac_batch b;
    LAC_CHECK_STATUS(lac_loader_describe(&(lac_loader_config){ .fields = fields, .view.size = SIZE, .count = N }, &b));
    const lac_tensor *noise = lac_batch_field(&b, "noise"), *id = lac_batch_field(&b, "id"), *mask = lac_batch_field(&b, "mask");
    LAC_CHECK(b.n == N && b.n_fields == 4 && lac_batch_field(&b, "image") == NULL);
    LAC_CHECK(&b.field[0].tensor == noise && strcmp(lac_shape_str(noise), "[5,12,12,3]") == 0 && noise->dtype == LAC_F32 && noise->data == NULL);
    LAC_CHECK(strcmp(lac_shape_str(mask), "[5,12,12,1]") == 0 && mask->dtype == LAC_U8);
    LAC_CHECK(strcmp(lac_shape_str(id), "[5]") == 0 && id->dtype == LAC_I64 && lac_batch_field(&b, "time")->ndim == 1);
}

LAC_TEST(a_field_that_is_not_there_is_named)
{
    lac_batch b;
    const char *const unknown[] = { "image", "nois", NULL }, *const twice[] = { "id", "mask", "id", NULL }, *const none[] = { NULL };
    LAC_CHECK_FAILS(lac_loader_describe(&(lac_loader_config){ .fields = unknown, .count = 1 }, &b), LAC_ERR_CONFIG, "unknown batch field 'nois' (did you mean 'noise'?)");
    LAC_CHECK_FAILS(lac_loader_describe(&(lac_loader_config){ .fields = twice, .count = 1 }, &b), LAC_ERR_CONFIG, "'id' is asked for twice");
    LAC_CHECK_FAILS(lac_loader_describe(&(lac_loader_config){ .fields = none, .count = 1 }, &b), LAC_ERR_CONFIG, "without fields");
}

/* Of no set, and yet a function of seed, step and place in the global batch alone. */
LAC_TEST(a_random_batch_has_every_field_and_ranks_share_it)
{
    const char *names[LAC_MAX_FIELDS + 1];
    lac_loader_config c = all_fields(names);
    lac_batch whole, part, later;
    LAC_CHECK_STATUS(lac_batch_random(&whole, &c, 7));
    LAC_CHECK_STATUS(lac_batch_random(&later, &c, 8));
    c.first = 2, c.count = 2;
    LAC_CHECK_STATUS(lac_batch_random(&part, &c, 7));
    for (int f = 0; f < whole.n_fields; f++) {
        const lac_tensor *x = &whole.field[f].tensor, *y = &part.field[f].tensor;
        const size_t each = lac_bytes(y) / 2;
        LAC_CHECK(y->dim[0] == 2 && lac_bytes(x) == N * each && memcmp((char *)x->data + 2 * each, y->data, 2 * each) == 0);
        LAC_CHECK(whole.field[f].def->needs == 0 || memcmp(x->data, later.field[f].tensor.data, lac_bytes(x)) != 0);
    }
    const uint8_t *mask = lac_batch_field(&whole, "mask")->data;
    for (int64_t i = 0; i < N; i++) {
        const int64_t hole = lac_mask_area(mask + i * SIZE * SIZE, SIZE * SIZE);
        LAC_CHECK(hole >= SIZE * SIZE / 16 && hole <= SIZE * SIZE / 4);
    }
    lac_batch_free(&whole);
    lac_batch_free(&part);
    lac_batch_free(&later);
}

/* Box and Muller in double, from the words of the counter. */
LAC_TEST(noise_and_time_are_those_of_the_counter)
{
    const char *const fields[] = { "noise", "time", NULL };
    const lac_loader_config c = { .fields = fields, .view.size = SIZE, .seed = 9, .stream = "main/train", .count = N };
    lac_batch b;
    LAC_CHECK_STATUS(lac_batch_random(&b, &c, 41));
    for (uint32_t i = 0; i < N; i++) {
        const float *noise = (float *)lac_batch_field(&b, "noise")->data + 3 * SIZE * SIZE * i;
        const lac_philox at = lac_philox_at(9, lac_purpose("noise") ^ 31 * lac_purpose("main/train"), 41, i);
        for (uint32_t k = 0; k < 3 * SIZE * SIZE; k += 2) {
            uint32_t word[4];
            lac_philox_block(&at, k / 4, word);
            const uint32_t *w = word + k % 4;
            const double r = sqrt(-2 * log(((w[0] >> 8) + 1.0) * 0x1p-24)), angle = 2 * M_PI * ((w[1] >> 8) * 0x1p-24);
            LAC_CHECK(fabs(noise[k] - r * cos(angle)) < 1e-5 && fabs(noise[k + 1] - r * sin(angle)) < 1e-5);      /* f32 of values up to 6 */
        }
        lac_stream time = lac_stream_at(9, lac_purpose("time") ^ 31 * lac_purpose("main/train"), 41, i);
        LAC_CHECK(((float *)lac_batch_field(&b, "time")->data)[i] == lac_stream_uniform(&time));
    }
    lac_batch_free(&b);
}
