#include "train/init.h"

#include "core/file/weights.h"
#include "core/memory.h"
#include "models/network_format.h"
#include "train/frozen.h"
#include "train/run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

const lac_key lac_init_keys[] = {
    { "from", LAC_KEY_STR, NULL, .help = "weights file or folder as published, a model, or another run's folder" },
    { "network", LAC_KEY_STR, "\"generator\"", .help = "which network takes them; all: every one, of the same name" },
    { "of", LAC_KEY_STR, "\"\"", .help = "what that network is called there; \"\": the same" },
    { "rename", LAC_KEY_TABLE, "{}", .help = "beginnings of names there = what they are here: { [\"vision_model.\"] = \"fusion_model.\" }" },
    { "widen", LAC_KEY_BOOL, "false", .help = "a convolution that reads more channels here takes zeros for those behind what is there" },
    { "strict", LAC_KEY_BOOL, "true", .help = "false: only what matches in name and shape" },
    { NULL },
};

/* ---- parameter by parameter: from a run's network, or from a file under own names ---- */

typedef struct origin {
    const lac_params *run;              /* or: */
    const lac_weights *file;
    const char *prefix;                 /* before the file's names */
    const json_t *rename;
    bool strict, widen;
    int64_t taken;
} origin;

static bool begins(const char *text, const char *with) { return strncmp(text, with, strlen(with)) == 0; }

/* What p is called there. */
static void name_there(const origin *o, const lac_param *p, char *to, size_t size)
{
    const char *there;
    json_t *here;
    json_object_foreach((json_t *)o->rename, there, here)
        if (begins(p->name, json_string_value(here))) {
            snprintf(to, size, "%s%s%s", o->prefix, there, p->name + strlen(json_string_value(here)));
            return;
        }
    snprintf(to, size, "%s%s", o->prefix, p->name);
}

/* A tensor there, in the project's layout; false: there is none of that name. */
static bool shape_there(const origin *o, const char *name, lac_role role, lac_shape *shape)
{
    const lac_param *q = o->run != NULL ? lac_params_find(o->run, name) : NULL;
    const int64_t at = o->file != NULL ? lac_weights_find(o->file, name) : -1;
    if (q == NULL && at < 0)
        return false;
    const lac_shape stored = q != NULL ? lac_shape_of(q->value) : lac_weights_shape(o->file, at);
    *shape = q != NULL ? stored : lac_inner_shape(role, &stored);
    return true;
}

static lac_status read_there(const origin *o, const char *name, lac_role role, const lac_shape *shape, float *to)
{
    if (o->run != NULL)
        return lac_param_get(lac_params_find(o->run, name), to);
    const int64_t n = lac_shape_numel(shape);
    float *border;
    LAC_TRY(lac_malloc((void **)&border, (size_t)n * sizeof *border));
    lac_status s = lac_weights_read_f32(o->file, lac_weights_find(o->file, name), border);
    for (int64_t i = 0; s == LAC_OK && i < n; i++)
        if (!isfinite(border[i]))
            s = LAC_FAIL(LAC_ERR_FORMAT, "'%s' holds %s", name, isnan(border[i]) ? "NaN" : "an infinity");
    if (s == LAC_OK)
        lac_from_border(to, border, role, shape);
    free(border);
    return s;
}

static bool same_dims(const lac_shape *a, const lac_shape *b, int n)
{
    return a->ndim == b->ndim && memcmp(a->dim, b->dim, (size_t)n * sizeof a->dim[0]) == 0;
}

/* As it is, or a convolution's filters that see fewer channels. */
static bool fits(const origin *o, const lac_param *p, const lac_shape *there)
{
    const lac_shape here = lac_shape_of(p->value);
    const int last = here.ndim - 1;
    return same_dims(&here, there, here.ndim)
        || (o->widen && p->role == LAC_ROLE_CONV && same_dims(&here, there, last) && there->dim[last] < here.dim[last]);
}

static lac_status take(const origin *o, lac_param *p, const char *name, const lac_shape *there)
{
    const int64_t wide = p->value->ndim > 0 ? p->value->dim[p->value->ndim - 1] : 1, narrow = there->ndim > 0 ? there->dim[there->ndim - 1] : 1;
    float *x = NULL, *y = NULL;
    lac_status s = lac_malloc((void **)&x, (size_t)lac_shape_numel(there) * sizeof *x);
    if (s == LAC_OK)
        s = lac_calloc((void **)&y, (size_t)lac_numel(p->value), sizeof *y);
    if (s == LAC_OK)
        s = read_there(o, name, p->role, there, x);
    for (int64_t i = 0; s == LAC_OK && i < lac_shape_numel(there); i++)
        y[i / narrow * wide + i % narrow] = x[i];
    if (s == LAC_OK)
        s = lac_param_set(p, y);
    free(x);
    free(y);
    return s;
}

static lac_status take_one(origin *o, lac_param *p)
{
    char name[2 * LAC_PARAM_NAME];
    lac_shape there;
    name_there(o, p, name, sizeof name);
    if (!shape_there(o, name, p->role, &there))
        return o->strict ? LAC_FAIL(LAC_ERR_KEY, "'%s' is missing", name) : LAC_OK;
    if (!fits(o, p, &there))
        return o->strict ? LAC_FAIL(LAC_ERR_KEY, "'%s' is %s there, %s in the model", name, lac_dims_str(there.ndim, there.dim), lac_shape_str(p->value)) : LAC_OK;
    o->taken++;
    return take(o, p, name, &there);
}

static lac_status take_all(origin *o, lac_params *ps)
{
    for (int64_t i = 0; i < ps->n; i++)
        LAC_TRY(take_one(o, ps->param[i]));
    return o->taken > 0 || ps->n == 0 ? LAC_OK : LAC_FAIL(LAC_ERR_KEY, "no key matches");
}

static origin origin_of(const json_t *entry)
{
    return (origin){ .prefix = "", .rename = lac_config_at(entry, "rename"), .strict = lac_config_bool(entry, "strict"), .widen = lac_config_bool(entry, "widen") };
}

static const char *called_there(const lac_params *ps, const json_t *entry)
{
    const char *of = lac_config_str(entry, "of");
    return of[0] != '\0' ? of : ps->name;
}

/* ---- where from ---- */

static lac_status init_from_run(lac_params *ps, const json_t *entry)
{
    const char *from = lac_config_str(entry, "from"), *called = called_there(ps, entry);
    lac_loaded other;
    origin o = origin_of(entry);
    LAC_TRY(lac_run_load(&other, from, NULL));
    o.run = lac_recipe_find_network(&other.trainer.recipe, called);
    lac_status s = o.run != NULL || !o.strict ? LAC_OK : LAC_FAIL(LAC_ERR_KEY, "run '%s' has no network '%s'", from, called);
    if (s == LAC_OK && o.run != NULL)
        s = take_all(&o, ps);
    lac_loaded_close(&other);
    return s;
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* A run's folder, and no published model's. */
static bool is_run(const json_t *entry)
{
    char checkpoints[4096];
    snprintf(checkpoints, sizeof checkpoints, "%s/ckpt", lac_config_str(entry, "from"));
    return is_folder(checkpoints);
}

static bool names(const json_t *entry, const lac_params *ps)
{
    const char *name = lac_config_str(entry, "network");
    return strcmp(name, "all") == 0 || strcmp(name, ps->name) == 0;
}

/* A file of several networks (lacuna export --all, a model of several) has their names before the keys: is that so of this network's? */
static bool is_among_several(const lac_params *ps, const lac_weights *w, const char *prefix)
{
    bool several = false;
    for (int64_t i = 0; i < lac_weights_count(w); i++)
        several |= begins(lac_weights_name(w, i), prefix);
    for (int64_t i = 0; i < ps->n; i++)
        several &= !begins(ps->param[i]->name, prefix);
    return several;
}

/* In whichever of the network's formats they are; own names where not all need be there, or not as they are. */
static lac_status init_from_weights(const lac_network *n, const lac_weights *w, const json_t *entry)
{
    char own[96];
    const char *prefix = "";
    const lac_network_format *format = NULL;
    origin o = origin_of(entry);
    int64_t taken;
    snprintf(own, sizeof own, "%s.", called_there(n->params, entry));
    if (strcmp(lac_config_str(entry, "network"), "all") == 0 || is_among_several(n->params, w, own))
        prefix = own;
    else if (n->def != NULL)
        lac_network_format_of(n->def, w, &format, &prefix);
    if (json_object_size(o.rename) > 0 || o.widen || lac_config_str(entry, "of")[0] != '\0') {
        o.file = w;
        o.prefix = prefix;
        return take_all(&o, n->params);
    }
    if (o.strict && format != NULL)
        return lac_network_read(n->params, w, format, prefix);
    LAC_TRY(lac_params_load(n->params, w, prefix, o.strict, &taken));
    return taken > 0 ? LAC_OK : LAC_FAIL(LAC_ERR_KEY, "no key matches");
}

/* A file, a folder of diffusers or transformers, or a pipeline's, which has one for each network under its name. */
static lac_status init_from_path(const lac_network *n, const json_t *entry)
{
    const char *from = lac_config_str(entry, "from");
    lac_weights *w;
    char *inner;
    LAC_TRY(lac_format(&inner, "%s/%s", from, called_there(n->params, entry)));
    const bool part = is_folder(inner);
    lac_status s = lac_weights_open(&w, part ? inner : from);
    free(inner);
    LAC_TRY(s);
    s = init_from_weights(n, w, entry);
    lac_weights_close(w);
    return s;
}

/* ---- entries ---- */

static lac_status check(const json_t *entry)
{
    const char *there;
    json_t *here;
    if (lac_config_str(entry, "of")[0] != '\0' && strcmp(lac_config_str(entry, "network"), "all") == 0)
        return LAC_FAIL(LAC_ERR_CONFIG, "'of' names one network, found network = \"all\"");
    json_object_foreach((json_t *)lac_config_at(entry, "rename"), there, here)
        if (!json_is_string(here))
            return LAC_FAIL(LAC_ERR_CONFIG, "rename['%s'] should be the beginning of a name", there);
    return LAC_OK;
}

static lac_status init_network(lac_trainer *t, int net, const json_t *entry)
{
    const lac_network *n = &t->recipe.network[net];
    const bool run = is_run(entry);
    LAC_TRY(lac_context(run ? init_from_run(n->params, entry) : init_from_path(n, entry), "init from '%s'", lac_config_str(entry, "from")));
    lac_frozen_loaded(t, net, run, lac_config_bool(entry, "strict"));
    return LAC_OK;
}

lac_status lac_init_entry(lac_trainer *t, const json_t *entry)
{
    const char *from = lac_config_str(entry, "from");
    int n = 0;
    LAC_TRY(lac_context(check(entry), "init from '%s'", from));
    for (int i = 0; i < t->recipe.n_nets; i++)
        if (names(entry, t->recipe.net[i])) {
            LAC_TRY(init_network(t, i, entry));
            n++;
        }
    return n > 0 ? LAC_OK : LAC_FAIL(LAC_ERR_CONFIG, "init from '%s': there is no network '%s'", from, lac_config_str(entry, "network"));
}

/* From the last entry on that says all of it; n counts the entries. */
lac_status lac_init_again(lac_trainer *t, int net, const lac_stages *stages, int64_t k)
{
    int64_t n = 0, last = 0;
    for (int pass = 0; pass < 2; pass++, n = 0)
        for (int64_t i = 0; i <= k; i++) {
            const json_t *list = lac_config_at(stages->stage[i].config, "init");
            for (size_t j = 0; j < json_array_size(list); j++, n++) {
                const json_t *entry = json_array_get(list, j);
                if (!names(entry, t->recipe.net[net]) || is_run(entry))
                    continue;
                if (pass == 0 && lac_config_bool(entry, "strict"))
                    last = n;
                if (pass == 1 && n >= last)
                    LAC_TRY(init_network(t, net, entry));
            }
        }
    return LAC_OK;
}
