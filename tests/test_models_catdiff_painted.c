/* CAT-Diffusion from picture to picture, as PyTorch, diffusers, transformers and Pillow make it of the same networks (tests/golden/catdiff_painted.py). */
#include "autograd/ops/backend_cpu.h"
#include "models/inpainter.h"
#include "tests/harness/golden.h"
#include "tests/harness/test.h"

#include <jansson.h>
#include <stdlib.h>

enum { CASES = 5 };

static void open_system(lac_inpainter *ip, const json_t *said)
{
    const lac_backend *cpu;
    const lac_inpainter_def *def;
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&cpu, "cpu"));
    LAC_CHECK_STATUS(lac_inpainter_find(&def, json_string_value(json_object_get(said, "system"))));
    LAC_CHECK_STATUS(lac_inpainter_load(ip, lac_test_golden("catdiff/model.safetensors"), def, cpu, LAC_F32));
    LAC_CHECK_STATUS(lac_inpainter_configure(ip, json_object_get(said, "settings")));
}

static lac_image stored(const lac_golden *g, const char *name, const char *what)
{
    lac_shape shape;
    uint8_t *pixels = lac_golden_get(g, &shape, "%s.%s", name, what);
    return (lac_image){ shape.dim[0], shape.dim[1], (int)shape.dim[2], pixels };
}

/* The share of bytes that are another; none may be more than one grey level off. */
static double apart(const lac_image *y, const lac_image *wanted)
{
    const int64_t n = y->height * y->width * 3;
    int64_t other = 0;
    LAC_CHECK(y->height == wanted->height && y->width == wanted->width);
    for (int64_t i = 0; i < n; i++) {
        LAC_CHECK(abs(y->pixels[i] - wanted->pixels[i]) <= 1);
        other += y->pixels[i] != wanted->pixels[i];
    }
    return (double)other / (double)n;
}

static void check_case(const lac_golden *g, const json_t *said)
{
    const char *name = json_string_value(json_object_get(said, "name"));
    lac_inpainter ip;
    lac_tape *t;
    lac_image image = stored(g, name, "image"), mask = stored(g, name, "mask"), wanted = stored(g, name, "result"), y;
    const lac_ask ask = { .prompt = json_string_value(json_object_get(said, "prompt")), .negative = json_string_value(json_object_get(said, "negative")),
                          .seed = (uint64_t)json_integer_value(json_object_get(said, "seed")), .sample = (uint32_t)json_integer_value(json_object_get(said, "sample")) };
    open_system(&ip, said);
    LAC_CHECK_STATUS(lac_tape_new(&t, lac_inpainter_backend(&ip)));
    LAC_CHECK_STATUS(lac_inpaint(&ip, t, &image, &mask, &ask, &y));
    LAC_CHECK(apart(&y, &wanted) < 0.005);                /* PyTorch in f32: 0 to 0.002 */
    lac_image_free(&y);
    lac_image_free(&image);
    lac_image_free(&mask);
    lac_image_free(&wanted);
    lac_tape_free(t);
    lac_inpainter_close(&ip);
}

LAC_TEST(pictures_are_those_of_the_published_parts_put_together)
{
    lac_golden g = lac_golden_open("catdiff/pictures.safetensors");
    json_t *cases = json_load_file(lac_test_golden("catdiff/cases.json"), 0, NULL);
    LAC_CHECK(json_array_size(cases) == CASES);
    for (size_t i = 0; i < CASES; i++)
        check_case(&g, json_array_get(cases, i));
    json_decref(cases);
    lac_golden_close(&g);
}
