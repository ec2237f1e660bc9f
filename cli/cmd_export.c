/* lacuna export: weights out of a run or a weights file, under published names. */
#include "cli/commands.h"
#include "cli/model_arg.h"
#include "core/file/weights.h"
#include "core/memory.h"
#include "models/deepfill/official.h"

#include <stdlib.h>
#include <string.h>

typedef struct wish {
    const char *out, *network, *checkpoint;
    bool all, tf;
    lac_dtype dtype;
} wish;

static lac_status parse_wish(wish *w, const char *dtype, const char *layout)
{
    static const char *const dtypes[] = { "f32", "bf16" }, *const layouts[] = { "probe", "tf" };
    int at = 0;
    LAC_TRY(lac_options_choose("--dtype", dtype, dtypes, 2, &at));
    w->dtype = at == 0 ? LAC_F32 : LAC_BF16;
    LAC_TRY(lac_options_choose("--layout", layout, layouts, 2, &at));
    w->tf = at == 1;
    if (w->out == NULL)
        return LAC_FAIL(LAC_ERR_ARG, "export wants --out FILE");
    if (w->all && w->network != NULL)
        return LAC_FAIL(LAC_ERR_ARG, "--all writes every network: --network is not for it");
    return LAC_OK;
}

static lac_status add_network(lac_weights_writer *file, const wish *w, const lac_params *ps, lac_borrowed *keep)
{
    char *prefix;
    if (w->tf)
        return lac_deepfill_official_add(file, ps, w->dtype, keep);
    LAC_TRY(w->all ? lac_format(&prefix, "%s.", ps->name) : lac_strdup(&prefix, ""));
    const lac_status s = lac_model_add(file, ps, prefix, w->dtype, keep);
    free(prefix);
    return s;
}

/* config NULL: the network has no keys of its own. */
static lac_status describe(lac_weights_writer *file, const json_t *config)
{
    if (config == NULL)
        return LAC_OK;
    char *text = json_dumps(config, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    const lac_status s = text != NULL ? lac_weights_writer_metadata(file, "lacuna.config", text) : LAC_FAIL(LAC_ERR_MEM, "out of memory: config");
    free(text);
    return s;
}

/* `config` says how they were built: it is all that the file tells beside the weights. ip: the inpainter whose network alone is written,
 * or NULL. */
static lac_status write_networks(const wish *w, lac_params *const *net, int n, const lac_inpainter *ip, const json_t *config)
{
    lac_weights_writer *file;
    lac_borrowed keep = { 0 };
    LAC_TRY(lac_weights_writer_new(&file));
    lac_status s = ip != NULL ? lac_model_describe(file, ip->def->name, config, ip->bgr) : describe(file, config);
    for (int i = 0; s == LAC_OK && i < n; i++)
        s = add_network(file, w, net[i], &keep);
    if (s == LAC_OK)
        s = lac_weights_writer_finish(file, w->out);
    lac_weights_writer_free(file);
    lac_borrowed_free(&keep);
    return lac_context(s, "writing '%s'", w->out);
}

static lac_status unknown_network(const char *name, const lac_recipe *r)
{
    const char *names[LAC_MAX_NETS];
    int at = 0;
    for (int i = 0; i < r->n_nets; i++)
        names[i] = r->net[i]->name;
    return lac_options_choose("network", name, names, r->n_nets, &at);
}

static lac_status export_run(const wish *w, const lac_loaded *run)
{
    const lac_recipe *r = &run->trainer.recipe;
    const json_t *model = lac_config_at(run->stage->config, "model"), *config;
    lac_inpainter ip;
    r->def->inpainter(r, run->stage->config, &ip, &config);
    if (w->all)
        return write_networks(w, r->net, r->n_nets, NULL, model);
    lac_params *wanted = w->network != NULL ? lac_recipe_find_network(r, w->network) : ip.params;
    if (wanted == NULL)
        return unknown_network(w->network, r);
    const bool paints = wanted == ip.params;
    return write_networks(w, &wanted, 1, paints ? &ip : NULL, paints ? config : lac_config_at(model, w->network));
}

static lac_status export_file(const wish *w, const char *path)
{
    const lac_backend *b;
    const lac_inpainter_def *def;
    lac_weights *file;
    lac_inpainter ip = { 0 };
    json_t *config = NULL;
    bool bgr;
    if (w->all || w->checkpoint != NULL || (w->network != NULL && strcmp(w->network, "generator") != 0))
        return LAC_FAIL(LAC_ERR_ARG, "'%s' is no run's folder: it holds the generator alone, and no checkpoints", path);
    LAC_TRY(lac_backend_get(&b, "cpu"));
    LAC_TRY(lac_weights_open(&file, path));
    lac_status s = lac_context(lac_model_about(file, &def, &config, &bgr), "loading '%s'", path);
    lac_weights_close(file);
    if (s == LAC_OK)
        s = lac_inpainter_load(&ip, path, b, LAC_F32);
    if (s == LAC_OK)
        s = write_networks(w, &ip.params, 1, &ip, config);
    lac_inpainter_close(&ip);
    json_decref(config);
    return s;
}

static lac_status export(const wish *w, const char *word)
{
    lac_loaded run;
    if (!lac_model_is_run(word))
        return export_file(w, word);
    LAC_TRY(lac_run_load(&run, word, w->checkpoint));
    const lac_status s = export_run(w, &run);
    lac_loaded_close(&run);
    return s;
}

int lac_cmd_export(int argc, char **argv)
{
    const char *dtype = "f32", *layout = "probe";
    wish w = { .out = NULL };
    const lac_option options[] = {
        { "out", 'o', "FILE", LAC_OPTION_STRING, &w.out, "the safetensors file to write" },
        { "network", 0, "NAME", LAC_OPTION_STRING, &w.network, "generator or discriminator (default generator)" },
        { "all", 0, NULL, LAC_OPTION_FLAG, &w.all, "every network, each name after \"generator.\" or \"discriminator.\"" },
        { "dtype", 0, "NAME", LAC_OPTION_STRING, &dtype, "f32 or bf16 (default f32)" },
        { "layout", 0, "NAME", LAC_OPTION_STRING, &layout, "probe, or tf: the official checkpoints' names and HWIO kernels (default probe)" },
        { "checkpoint", 0, "FILE", LAC_OPTION_STRING, &w.checkpoint, "of the run, in place of its newest" },
        { NULL },
    };
    const lac_command command = { "lacuna export", "RUN|MODEL", 1, 1,
        "Writes the newest checkpoint's weights (averaged ones where there is an EMA) and how the network is built: no name of a\n"
        "run, path, date or step, so the same weights give the same bytes.", options };
    lac_words words = { NULL, 0 };
    bool go;
    lac_status s = lac_options_begin(&command, argc, argv, &words, &go);
    if (go && (s = parse_wish(&w, dtype, layout)) == LAC_OK)
        s = export(&w, words.word[0]);
    lac_words_free(&words);
    return lac_finish(s);
}
