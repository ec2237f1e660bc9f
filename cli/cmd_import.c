/* lacuna import: foreign weights made into a model file that says what it is. */
#include "cli/commands.h"
#include "core/file/atomic.h"
#include "core/file/weights.h"
#include "core/memory.h"
#include "models/deepfill/official.h"
#include "models/model_file.h"

#include <stdlib.h>
#include <string.h>

enum { CONFIG_LIMIT = 1 << 20 };

typedef struct wish { const char *out, *inpainter, *config, *channel_order; } wish;

/* `generator.` when all names stand under a network's name, as `export --all` and probe's deepfillv2-gan have them. */
static const char *prefix_of(const lac_weights *w)
{
    static const char prefix[] = "generator.";
    for (int64_t i = 0; i < lac_weights_count(w); i++)
        if (strncmp(lac_weights_name(w, i), prefix, sizeof prefix - 1) == 0)
            return prefix;
    return "";
}

static lac_status read_given(const char *path, json_t **given)
{
    json_error_t error;
    char *text;
    size_t size;
    if (path == NULL) {
        *given = json_object();
        return *given != NULL ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory: config");
    }
    LAC_TRY(lac_file_read(path, CONFIG_LIMIT, &text, &size));
    *given = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    free(text);
    if (*given == NULL)
        return LAC_FAIL(LAC_ERR_FORMAT, "'%s' is not JSON: %s, line %d", path, error.text, error.line);
    return LAC_OK;
}

/* The keys that were given, then what the file says of itself, then what its shapes tell. */
static lac_status make_config(const wish *w, const lac_inpainter_def *def, const lac_weights *file, json_t **config)
{
    json_t *given, *guess = NULL, *told = NULL;
    const lac_inpainter_def *own;
    bool bgr;
    LAC_TRY(read_given(w->config, &given));
    if (lac_weights_metadata(file, "lacuna.inpainter") != NULL && lac_model_about(file, &own, &told, &bgr) == LAC_OK && own == def)
        json_object_update_missing(given, told);
    lac_status s = lac_deepfill_infer_config(file, prefix_of(file), &guess);
    if (s == LAC_OK && json_is_object(given))
        json_object_update_missing(given, guess);
    if (s == LAC_OK)
        s = lac_context(lac_config_resolve(config, def->keys, given, NULL, NULL), "config of %s", def->name);
    json_decref(given);
    json_decref(guess);
    json_decref(told);
    return s;
}

static lac_status channel_order(const wish *w, const lac_weights *file, bool *bgr)
{
    static const char *const orders[] = { "rgb", "bgr" };
    const char *own = lac_weights_metadata(file, "lacuna.channel_order");
    int at = lac_deepfill_official(file) ? 1 : 0;           /* the official networks learnt from pictures that OpenCV had read */
    if (w->channel_order != NULL || own != NULL)
        LAC_TRY(lac_options_choose("--channel-order", w->channel_order != NULL ? w->channel_order : own, orders, 2, &at));
    *bgr = at == 1;
    return LAC_OK;
}

static lac_status convert(const wish *w, const lac_inpainter_def *def, const lac_weights *file)
{
    const lac_backend *b;
    lac_inpainter ip = { 0 };
    json_t *config;
    bool bgr;
    LAC_TRY(channel_order(w, file, &bgr));
    LAC_TRY(lac_backend_get(&b, "cpu"));
    LAC_TRY(make_config(w, def, file, &config));
    lac_status s = lac_inpainter_open(&ip, def, config, b, LAC_F32);
    if (s == LAC_OK)
        s = lac_deepfill_official(file) ? lac_deepfill_official_load(ip.params, file)
                                        : lac_params_load(ip.params, file, prefix_of(file), true, NULL);
    if (s == LAC_OK)
        s = lac_model_save(w->out, ip.params, def->name, config, bgr, LAC_F32);
    lac_inpainter_close(&ip);
    json_decref(config);
    return s;
}

static lac_status import(const wish *w, const char *path)
{
    const lac_inpainter_def *def;
    lac_weights *file;
    if (w->out == NULL)
        return LAC_FAIL(LAC_ERR_ARG, "import wants --out FILE");
    LAC_TRY(lac_inpainter_find(&def, w->inpainter));
    LAC_TRY(lac_weights_open(&file, path));
    const lac_status s = convert(w, def, file);
    lac_weights_close(file);
    return lac_context(s, "importing '%s'", path);
}

int lac_cmd_import(int argc, char **argv)
{
    wish w = { .inpainter = "deepfill" };
    const lac_option options[] = {
        { "out", 'o', "FILE", LAC_OPTION_STRING, &w.out, "the safetensors file to write" },
        { "inpainter", 0, "NAME", LAC_OPTION_STRING, &w.inpainter, "whose weights they are (default deepfill)" },
        { "config", 0, "FILE", LAC_OPTION_STRING, &w.config, "JSON object with keys of its network; cnum, conv and the aux channels are else read off the shapes" },
        { "channel-order", 0, "NAME", LAC_OPTION_STRING, &w.channel_order, "rgb or bgr (default: bgr for official names, else what the file says, else rgb)" },
        { NULL },
    };
    const lac_command command = { "lacuna import", "FILE", 1, 1,
        "Makes a model of a safetensors file that holds DeepFill v2's generator, under the official checkpoints' names\n"
        "(inpaint_net/conv1/kernel, HWIO) or under probe's (conv1.weight, OIHW). Keys that are missing, surplus or misshapen\n"
        "are listed. Models are used by `lacuna inpaint`, `lacuna eval` and `init` in a config.", options };
    lac_words words = { NULL, 0 };
    bool go;
    lac_status s = lac_options_begin(&command, argc, argv, &words, &go);
    if (go)
        s = import(&w, words.word[0]);
    lac_words_free(&words);
    return lac_finish(s);
}
