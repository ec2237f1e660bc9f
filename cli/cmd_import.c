/* lacuna import: foreign weights made into a model file that says what it is. */
#include "cli/commands.h"
#include "core/file/atomic.h"
#include "core/file/weights.h"
#include "models/network_folder.h"
#include "models/inpainter.h"
#include "models/network_format.h"

#include <stdlib.h>
#include <string.h>

enum { CONFIG_LIMIT = 1 << 20 };

typedef struct wish { const char *out, *network, *system, *tokenizer, *config, *channel_order; } wish;

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

/* A foreign file: whose weights it holds, and how. */
typedef struct source {
    const lac_weights *file;
    const lac_network_def *def;
    const lac_network_format *format;
    const char *prefix;
} source;

/* What the file says of itself, if it is of this network. */
static void add_told(const source *from, json_t *given)
{
    const lac_network_def *own;
    json_t *told;
    bool bgr;
    if (lac_weights_metadata(from->file, "config.json") != NULL || lac_network_about(from->file, &own, &told, &bgr) != LAC_OK)
        return;
    if (own == from->def)
        json_object_update_missing(given, told);
    json_decref(told);
}

/* A folder's config.json, which must be of this network's class. */
static lac_status add_published(const source *from, json_t *given)
{
    const char *text = lac_weights_metadata(from->file, "config.json");
    json_t *published = text != NULL ? json_loads(text, 0, NULL) : NULL, *ours = NULL;
    if (published == NULL)
        return LAC_OK;
    const lac_status s = lac_network_adopt(from->def, published, &ours);
    json_decref(published);
    LAC_TRY(s);
    json_object_update_missing(given, ours);
    json_decref(ours);
    return LAC_OK;
}

static lac_status add_inferred(const source *from, json_t *given)
{
    json_t *found = json_object();
    lac_status s = found != NULL ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory: config");
    if (s == LAC_OK && from->format->infer != NULL)
        s = from->format->infer(from->file, from->prefix, found);
    if (s == LAC_OK)
        json_object_update_missing(given, found);
    json_decref(found);
    return s;
}

/* The keys that were given, then what the file says of itself, then what its shapes tell. */
static lac_status make_config(const wish *w, const source *from, json_t **given)
{
    LAC_TRY(read_given(w->config, given));
    lac_status s = json_is_object(*given) ? LAC_OK : LAC_FAIL(LAC_ERR_FORMAT, "'%s' is not a JSON object", w->config);
    if (s == LAC_OK) {
        add_told(from, *given);
        s = add_published(from, *given);
    }
    if (s == LAC_OK)
        s = add_inferred(from, *given);
    if (s != LAC_OK)
        json_decref(*given);
    return s;
}

static lac_status channel_order(const wish *w, const source *from, bool *bgr)
{
    static const char *const orders[] = { "rgb", "bgr" };
    const char *own = lac_weights_metadata(from->file, "lacuna.channel_order");
    int at = from->format->bgr ? 1 : 0;
    if (w->channel_order != NULL || own != NULL)
        LAC_TRY(lac_options_choose("--channel-order", w->channel_order != NULL ? w->channel_order : own, orders, 2, &at));
    *bgr = at == 1;
    return LAC_OK;
}

static lac_status convert(const wish *w, const source *from)
{
    const lac_backend *b;
    lac_network n;
    json_t *config;
    bool bgr;
    LAC_TRY(channel_order(w, from, &bgr));
    LAC_TRY(lac_backend_get(&b, "cpu"));
    LAC_TRY(make_config(w, from, &config));
    lac_status s = lac_network_open(&n, from->def, config, b, LAC_F32);
    json_decref(config);
    LAC_TRY(s);
    n.bgr = bgr;
    s = lac_network_read(n.params, from->file, from->format, from->prefix);
    if (s == LAC_OK)
        s = lac_network_save(w->out, &n, LAC_F32);
    lac_network_close(&n);
    return s;
}

/* A model of several networks, a folder of diffusers or a checkpoint, into one file. */
static lac_status import_model(const wish *w, const char *path)
{
    const lac_inpainter_def *wanted = NULL;
    const lac_backend *b;
    lac_inpainter ip;
    if (w->config != NULL || w->channel_order != NULL)
        return LAC_FAIL(LAC_ERR_ARG, "'%s' is a model of several networks: of these options --system and --tokenizer are for it, and --network takes one out of a checkpoint", path);
    LAC_TRY(w->system != NULL ? lac_inpainter_find(&wanted, w->system) : LAC_OK);
    LAC_TRY(lac_backend_get(&b, "cpu"));
    LAC_TRY(lac_inpainter_load(&ip, path, wanted, b, LAC_F32));
    lac_status s = w->tokenizer != NULL ? lac_inpainter_take_tokenizer(&ip, w->tokenizer) : LAC_OK;
    if (s == LAC_OK)
        s = lac_inpainter_save(w->out, &ip, LAC_F32);
    lac_inpainter_close(&ip);
    return s;
}

static lac_status import(const wish *w, const char *path)
{
    source from = { .def = NULL };
    lac_weights *file;
    bool several;
    if (w->out == NULL)
        return LAC_FAIL(LAC_ERR_ARG, "import wants --out FILE");
    LAC_TRY(lac_context(lac_inpainter_is_model(path, &several), "importing '%s'", path));
    if (several && w->network == NULL)
        return import_model(w, path);
    if (w->system != NULL || w->tokenizer != NULL)
        return LAC_FAIL(LAC_ERR_ARG, "'%s' %s one network: --system and --tokenizer are for models of several", path, several ? "is wanted for" : "holds");
    if (w->network != NULL)
        LAC_TRY(lac_network_find(&from.def, w->network));
    LAC_TRY(lac_weights_open(&file, path));
    from.file = file;
    lac_status s = from.def != NULL ? LAC_OK : lac_network_recognise(file, &from.def);
    if (s == LAC_OK) {
        lac_network_format_of(from.def, file, &from.format, &from.prefix);
        s = convert(w, &from);
    }
    lac_weights_close(file);
    return lac_context(s, "importing '%s'", path);
}

int lac_cmd_import(int argc, char **argv)
{
    wish w = { .out = NULL };
    const lac_option options[] = {
        { "out", 'o', "FILE", LAC_OPTION_STRING, &w.out, "the safetensors file to write" },
        { "network", 0, "NAME", LAC_OPTION_STRING, &w.network, "whose weights they are (default: what the file says, else the network that knows its names)" },
        { "system", 0, "NAME", LAC_OPTION_STRING, &w.system, "of a model of several networks: which inpainter uses it (default: the first that can: sd-inpaint, sd-blend)" },
        { "tokenizer", 0, "FOLDER", LAC_OPTION_STRING, &w.tokenizer, "of a model of several networks that brings none, as a .ckpt: vocab.json and merges.txt, vocab.txt, or tokenizer.json" },
        { "config", 0, "FILE", LAC_OPTION_STRING, &w.config, "JSON object with keys of the network; else what the file or the folder's config.json says, then what its shapes tell" },
        { "channel-order", 0, "NAME", LAC_OPTION_STRING, &w.channel_order, "rgb or bgr (default: what the file says, else bgr for official DeepFill names, else rgb)" },
        { NULL },
    };
    const lac_command command = { "lacuna import", "FILE|FOLDER", 1, 1,
        "Makes a model of a network's weights, under its published names (conv1.weight, OIHW), alone or in a file of `export --all`, or as others\n"
        "save them: DeepFill v2 also under the official checkpoints' names (inpaint_net/conv1/kernel, HWIO). They lie in a safetensors file,\n"
        "what torch.save or TorchScript wrote (.pth, .ckpt, .bin: read as data, nothing in it is run), or a folder of diffusers or transformers\n"
        "(config.json and one file or shards). A folder with a model_index.json and a checkpoint of latent diffusion (Stable Diffusion's .ckpt) become a\n"
        "model of several networks, unless --network takes one. Keys that are missing, surplus or misshapen are listed. Models of generators are used by\n"
        "`lacuna inpaint`, `lacuna eval` and `init` in a config. docs/formats.md has the containers.", options };
    lac_words words = { NULL, 0 };
    bool go;
    lac_status s = lac_options_begin(&command, argc, argv, &words, &go);
    if (go)
        s = import(&w, words.word[0]);
    lac_words_free(&words);
    return lac_finish(s);
}
