/* A table over model files: what an inpainter imagines has a value in its own row and a reason in the others'; models that imagine other features share no column. */
#include "core/file/atomic.h"
#include "core/memory.h"
#include "tests/harness/cli.h"
#include "tests/harness/latent.h"
#include "tests/harness/said.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETTINGS "{ 'steps': 1 }"

static char *model(const char *folder, const char *name, const lac_inpainter_def *def, float shift)
{
    lac_inpainter ip;
    char *path = lac_cli_path(folder, name);
    lac_test_latent(&ip, def, "clip-text", SETTINGS);
    if (shift != 0)
        ((float *)ip.network[3].params->param[0]->value->data)[0] += shift;
    LAC_CHECK_STATUS(lac_inpainter_save(path, &ip, LAC_F32));
    lac_inpainter_close(&ip);
    return path;
}

/* rows: a table in Lua. Returns the exit status. */
static int make_table(const char *folder, const char *rows, lac_cli_said *said)
{
    char text[8192];
    char *set = lac_cli_path(folder, "said.h5"), *file = lac_cli_path(folder, "t.lua"), *out = lac_cli_path(folder, "out");
    lac_test_said(set, LAC_TEST_SAID_SIDE, 1);
    snprintf(text, sizeof text, "return { name = 't', table = { out = '%s', rows = %s, differences = { { a = 'cat', b = 'plain' } }, measures = { { name = 'm', metrics = { 'sem-cosine',\n"
             "'sem-cosine-input', 'l1@hole' }, limit = 4, data = { set = '%s', split = 'train', size = 16, mask = 'object' } } } } }\n", out, rows, set);
    LAC_CHECK_STATUS(lac_file_write(file, text, strlen(text)));
    return LAC_CLI(lac_cmd_train, said, file);
}

static json_t *found(const char *folder, const char *row, const char *metric)
{
    json_t *all = json_load_file(lac_cli_path(folder, "out/m.json"), 0, NULL);
    json_t *value = json_incref(json_object_get(json_object_get(json_object_get(json_object_get(all, "methods"), row), "metrics"), metric));
    LAC_CHECK(value != NULL);
    json_decref(all);
    return value;
}

LAC_TEST(what_is_imagined_has_a_value_in_its_own_row)
{
    const char *folder = lac_test_folder(), *cat = model(folder, "cat.safetensors", &lac_inpainter_catdiff, 0), *plain = model(folder, "plain.safetensors", &lac_inpainter_sd_inpaint, 0);
    lac_cli_said said;
    char rows[2][1024];
    snprintf(rows[0], sizeof rows[0], "{ { name = 'plain', weights = '%s' }, { name = 'cat', weights = '%s' } }", plain, cat);
    snprintf(rows[1], sizeof rows[1], "{ { name = 'cat', weights = '%s' }, { name = 'plain', weights = '%s' } }", cat, plain);
    for (int i = 0; i < 2; i++) {
        LAC_CHECK(make_table(folder, rows[i], &said) == 0);
        json_t *own = found(folder, "cat", "sem-cosine"), *none = found(folder, "plain", "sem-cosine");
        LAC_CHECK(json_is_real(json_object_get(own, "value")) && strstr(json_string_value(json_object_get(own, "recipe")), "clip_vision,weights=") != NULL);
        LAC_CHECK(json_is_null(json_object_get(none, "value")) && json_object_get(none, "reason") != NULL);
        LAC_CHECK(strcmp(json_string_value(json_object_get(own, "recipe")), json_string_value(json_object_get(none, "recipe"))) == 0);
        LAC_CHECK(strstr(said.out, "| cat − plain |") != NULL && strstr(said.out, "sem-cosine of plain is undefined") != NULL);
        json_decref(own);
        json_decref(none);
    }
}

LAC_TEST(features_of_two_networks_share_no_column)
{
    const char *folder = lac_test_folder(), *cat = model(folder, "cat.safetensors", &lac_inpainter_catdiff, 0), *other = model(folder, "other.safetensors", &lac_inpainter_catdiff, 0.5f);
    lac_cli_said said;
    char rows[1024];
    snprintf(rows, sizeof rows, "{ { name = 'cat', weights = '%s' }, { name = 'plain', weights = '%s' } }", cat, other);
    LAC_CHECK(make_table(folder, rows, &said) == 1 && strstr(said.err, "measure 'm': row 'plain'") != NULL && strstr(said.err, "cannot share a column with") != NULL);
}
