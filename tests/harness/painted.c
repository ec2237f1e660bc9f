#include "tests/harness/painted.h"

#include "autograd/ops/backend_cpu.h"
#include "models/inpainter.h"
#include "tests/harness/golden.h"
#include "tests/harness/test.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static void open_system(lac_inpainter *ip, const char *folder, const json_t *said)
{
    const lac_backend *cpu;
    const lac_inpainter_def *def;
    char path[64];
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&cpu, "cpu"));
    LAC_CHECK_STATUS(lac_inpainter_find(&def, json_string_value(json_object_get(said, "system"))));
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    LAC_CHECK_STATUS(lac_inpainter_load(ip, lac_test_golden(path), def, cpu, LAC_F32));
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

static void check_case(const lac_golden *g, const char *folder, const json_t *said, double share)
{
    const char *name = json_string_value(json_object_get(said, "name"));
    lac_inpainter ip;
    lac_tape *t;
    lac_image image = stored(g, name, "image"), mask = stored(g, name, "mask"), wanted = stored(g, name, "result"), y;
    const lac_ask ask = { .prompt = json_string_value(json_object_get(said, "prompt")), .negative = json_string_value(json_object_get(said, "negative")),
                          .seed = (uint64_t)json_integer_value(json_object_get(said, "seed")), .sample = (uint32_t)json_integer_value(json_object_get(said, "sample")) };
    open_system(&ip, folder, said);
    LAC_CHECK_STATUS(lac_tape_new(&t, lac_inpainter_backend(&ip)));
    LAC_CHECK_STATUS(lac_inpaint(&ip, t, &image, &mask, &ask, &y));
    LAC_CHECK(apart(&y, &wanted) < share);
    lac_image_free(&y);
    lac_image_free(&image);
    lac_image_free(&mask);
    lac_image_free(&wanted);
    lac_tape_free(t);
    lac_inpainter_close(&ip);
}

void lac_test_painted(const char *folder, int cases, double share)
{
    char path[64];
    snprintf(path, sizeof path, "%s/pictures.safetensors", folder);
    lac_golden g = lac_golden_open(path);
    snprintf(path, sizeof path, "%s/cases.json", folder);
    json_t *said = json_load_file(lac_test_golden(path), 0, NULL);
    LAC_CHECK((int)json_array_size(said) == cases);
    for (int i = 0; i < cases; i++)
        check_case(&g, folder, json_array_get(said, (size_t)i), share);
    json_decref(said);
    lac_golden_close(&g);
}
