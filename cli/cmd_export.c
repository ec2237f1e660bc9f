/* lacuna export: weights out of a run or a weights file, under published names. */
#include "cli/commands.h"
#include "cli/model_arg.h"
#include "core/file/folder.h"
#include "core/file/weights.h"
#include "core/memory.h"
#include "models/network_folder.h"
#include "models/network_format.h"

#include <stdlib.h>
#include <string.h>

typedef struct wish {
    const char *out, *network, *checkpoint, *layout;
    bool all;
    lac_dtype dtype;
} wish;

static lac_status parse_wish(wish *w, const char *dtype)
{
    static const char *const words[] = { "f32", "bf16", "f16" };
    static const lac_dtype dtypes[] = { LAC_F32, LAC_BF16, LAC_F16 };
    int at = 0;
    LAC_TRY(lac_options_choose("--dtype", dtype, words, 3, &at));
    w->dtype = dtypes[at];
    if (w->out == NULL)
        return LAC_FAIL(LAC_ERR_ARG, "export wants --out PATH");
    if (w->all && w->network != NULL)
        return LAC_FAIL(LAC_ERR_ARG, "--all writes every network: --network is not for it");
    return LAC_OK;
}

static lac_status add_network(lac_weights_writer *file, const wish *w, const lac_network *n, lac_borrowed *keep)
{
    const lac_network_format *format;
    char *prefix;
    LAC_TRY(lac_network_format_find(n->def, w->layout, &format));
    LAC_TRY(w->all ? lac_format(&prefix, "%s.", n->params->name) : lac_strdup(&prefix, ""));
    const lac_status s = lac_network_write(file, n->params, format, prefix, w->dtype, keep);
    free(prefix);
    return s;
}

/* How a file's networks were built; config NULL: they have no keys. */
static lac_status describe_all(lac_weights_writer *file, const json_t *config)
{
    if (config == NULL)
        return LAC_OK;
    char *text = lac_config_text(config, JSON_COMPACT | JSON_SORT_KEYS);
    const lac_status s = text != NULL ? lac_weights_writer_metadata(file, "lacuna.config", text) : LAC_FAIL(LAC_ERR_MEM, "out of memory: config");
    free(text);
    return s;
}

/* diffusers and transformers want a folder, with a config beside the weights. */
static bool wants_folder(const wish *w, const lac_network *n)
{
    return n->def != NULL && n->def->folder != NULL && strcmp(n->def->folder->layout, w->layout) == 0;
}

/* A network of a definition, alone, says which it is; else config tells how they were built (several: each under its name in the recipe's
 * `model`). That is all that the file tells beside the weights. */
static lac_status write_networks(const wish *w, const lac_network *net, int n, const json_t *config)
{
    lac_weights_writer *file;
    lac_borrowed keep = { 0 };
    if (!w->all && wants_folder(w, net))
        return lac_network_save_folder(w->out, net, w->dtype);
    LAC_TRY(lac_weights_writer_new(&file));
    lac_status s = w->all || net->def == NULL ? describe_all(file, config) : lac_network_describe(file, net->def, net->config, net->bgr);
    for (int i = 0; s == LAC_OK && i < n; i++)
        s = add_network(file, w, &net[i], &keep);
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

/* What paints: a network, in any of its layouts, or a model of several. */
static lac_status export_inpainter(const wish *w, const lac_inpainter *ip)
{
    if (lac_inpainter_roles(ip->def) == 1)
        return write_networks(w, &ip->network[0], 1, NULL);
    if (strcmp(w->layout, "diffusers") == 0)
        return lac_inpainter_save_folder(w->out, ip, w->dtype);
    if (strcmp(w->layout, "probe") != 0)
        return LAC_FAIL(LAC_ERR_ARG, "--layout %s is one network's, and %s has several: say which by --network", w->layout, ip->def->name);
    return lac_inpainter_save(w->out, ip, w->dtype);
}

/* A network that reads texts, and how. */
static lac_status export_with_texts(const wish *w, const lac_recipe *r)
{
    if (strcmp(w->layout, "probe") != 0)
        return LAC_FAIL(LAC_ERR_ARG, "--layout %s is the network's alone: say --network %s", w->layout, r->net[0]->name);
    return lac_network_save_with(w->out, &r->network[0], r->prompts, w->dtype);
}

static lac_status export_run(const wish *w, const lac_loaded *run)
{
    const lac_recipe *r = &run->trainer.recipe;
    const json_t *model = lac_config_at(run->stage->config, "model");
    lac_inpainter ip = { .def = NULL };
    if (w->all)
        return write_networks(w, r->network, r->n_nets, model);
    if (r->def->inpainter != NULL)
        r->def->inpainter(r, run->stage->config, &ip);
    if (w->network == NULL && ip.def == NULL && r->prompts != NULL)
        return export_with_texts(w, r);
    if (w->network == NULL && ip.def == NULL)
        return LAC_FAIL(LAC_ERR_ARG, "recipe '%s' makes no pictures: say by --network which to export, or --all", r->def->name);
    if (w->network == NULL)
        return export_inpainter(w, &ip);
    const lac_params *wanted = lac_recipe_find_network(r, w->network);
    if (wanted == NULL)
        return unknown_network(w->network, r);
    lac_network n = { .def = NULL };
    for (int i = 0; i < r->n_nets; i++)
        n = r->net[i] == wanted ? r->network[i] : n;
    for (int i = 0; n.def == NULL && i < LAC_INPAINTER_ROLES; i++)      /* made by hand, but an inpainter's */
        n = ip.network[i].params == wanted ? ip.network[i] : n;
    return write_networks(w, &n, 1, lac_config_at(model, wanted->name));
}

/* One of a model's networks, by its role. */
static lac_status export_role(const wish *w, const lac_inpainter *ip)
{
    const char *names[LAC_INPAINTER_ROLES];
    const int n = lac_inpainter_roles(ip->def);
    int at = 0;
    for (int i = 0; i < n; i++)
        names[i] = ip->def->role[i].name;
    LAC_TRY(lac_options_choose("--network", w->network, names, n, &at));
    if (ip->network[at].def == NULL)
        return LAC_FAIL(LAC_ERR_ARG, "this %s has no '%s'", ip->def->name, w->network);
    return write_networks(w, &ip->network[at], 1, NULL);
}

static lac_status export_model(const wish *w, const char *path, const lac_backend *b)
{
    lac_inpainter ip;
    LAC_TRY(lac_inpainter_load(&ip, path, NULL, b, LAC_F32));
    const lac_status s = w->network != NULL ? export_role(w, &ip) : export_inpainter(w, &ip);
    lac_inpainter_close(&ip);
    return s;
}

static lac_status export_file(const wish *w, const char *path)
{
    const lac_backend *b;
    lac_network n;
    bool several;
    if (w->all || w->checkpoint != NULL)
        return LAC_FAIL(LAC_ERR_ARG, "'%s' is no run's folder: it holds one model, and no checkpoints", path);
    LAC_TRY(lac_inpainter_is_model(path, &several));
    LAC_TRY(lac_backend_get(&b, "cpu"));
    if (several)
        return export_model(w, path, b);
    if (w->network != NULL)
        return LAC_FAIL(LAC_ERR_ARG, "'%s' holds one network: --network is not for it", path);
    LAC_TRY(lac_network_load(&n, path, NULL, b, LAC_F32));
    const lac_status s = write_networks(w, &n, 1, NULL);
    lac_network_close(&n);
    return s;
}

static lac_status export(const wish *w, const char *word)
{
    lac_loaded run;
    if (!lac_model_is_run(word) || lac_folder_has_weights(word) || lac_inpainter_is_pipeline(word))
        return export_file(w, word);
    LAC_TRY(lac_run_load(&run, word, w->checkpoint));
    const lac_status s = export_run(w, &run);
    lac_loaded_close(&run);
    return s;
}

int lac_cmd_export(int argc, char **argv)
{
    const char *dtype = "f32";
    wish w = { .layout = "probe" };
    const lac_option options[] = {
        { "out", 'o', "PATH", LAC_OPTION_STRING, &w.out, "the safetensors file to write; of --layout diffusers or transformers the folder" },
        { "network", 0, "NAME", LAC_OPTION_STRING, &w.network, "of the run's (default: the one that paints): generator, discriminator" },
        { "all", 0, NULL, LAC_OPTION_FLAG, &w.all, "every network of the run, each name after the network's: \"generator.conv1.weight\"" },
        { "dtype", 0, "NAME", LAC_OPTION_STRING, &dtype, "f32, bf16 or f16 (default f32)" },
        { "layout", 0, "NAME", LAC_OPTION_STRING, &w.layout, "probe: published names, OIHW; diffusers or transformers: a folder that these load, with config.json, of a model of several networks (diffusers) the whole pipeline; or a network's other one, as DeepFill v2's tf: official names, HWIO (default probe)" },
        { "checkpoint", 0, "FILE", LAC_OPTION_STRING, &w.checkpoint, "of the run, in place of its newest" },
        { NULL },
    };
    const lac_command command = { "lacuna export", "RUN|MODEL", 1, 1,
        "Writes the newest checkpoint's weights (averaged ones where there is an EMA) and how the network is built: no name of a\n"
        "run, path, date or step, so the same weights give the same bytes.", options };
    lac_words words = { NULL, 0 };
    bool go;
    lac_status s = lac_options_begin(&command, argc, argv, &words, &go);
    if (go && (s = parse_wish(&w, dtype)) == LAC_OK)
        s = export(&w, words.word[0]);
    lac_words_free(&words);
    return lac_finish(s);
}
