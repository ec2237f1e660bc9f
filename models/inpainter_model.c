/* What an inpainter is made of: opening, copying, and models in files. */
#include "models/inpainter.h"

#include "core/file/weights.h"
#include "core/memory.h"
#include "models/inpainter_source.h"
#include "models/network_format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int lac_inpainter_roles(const lac_inpainter_def *def)
{
    int n = 0;
    while (n < LAC_INPAINTER_ROLES && def->role[n].name != NULL)
        n++;
    return n;
}

const lac_backend *lac_inpainter_backend(const lac_inpainter *ip) { return ip->network[0].params->backend; }

/* ---- opening ---- */

bool lac_role_takes(const lac_inpainter_role *role, const char *network)
{
    const size_t n = strlen(network);
    for (const char *at = role->networks; at != NULL; at = strchr(at, '|'), at += at != NULL)
        if (strncmp(at, network, n) == 0 && (at[n] == '|' || at[n] == '\0'))
            return true;
    return false;
}

lac_status lac_role_find(const lac_inpainter_role *role, const char *network, const lac_network_def **def)
{
    char first[64];
    if (network == NULL || network[0] == '\0') {
        snprintf(first, sizeof first, "%.*s", (int)strcspn(role->networks, "|"), role->networks);
        return lac_network_find(def, first);
    }
    if (!lac_role_takes(role, network))
        return LAC_FAIL(LAC_ERR_CONFIG, "'%s' is the network '%s', should be %s", role->name, network, role->networks);
    return lac_network_find(def, network);
}

static lac_status open_role(lac_inpainter *ip, int i, const json_t *told, const lac_backend *b, lac_dtype d)
{
    const lac_inpainter_role *role = &ip->def->role[i];
    const lac_network_def *def;
    if (told == NULL && role->optional)
        return LAC_OK;
    LAC_TRY(lac_role_find(role, json_string_value(json_object_get(told, "network")), &def));
    LAC_TRY(lac_network_open(&ip->network[i], def, json_object_get(told, "config"), b, d));
    ip->network[i].bgr = json_is_true(json_object_get(told, "bgr"));
    return LAC_OK;
}

static lac_status resolve(const lac_inpainter_def *def, const json_t *given, json_t **config)
{
    static const lac_key none[] = { { NULL } };
    json_t *empty = json_object();
    const lac_status s = empty == NULL ? LAC_FAIL(LAC_ERR_MEM, "out of memory: config")
                                       : lac_config_resolve(config, def->keys != NULL ? def->keys : none, given != NULL ? given : empty, NULL, NULL);
    json_decref(empty);
    return lac_context(s, "%s", def->name);
}

static lac_status open(lac_inpainter *ip, const json_t *networks, const json_t *config, const lac_backend *b, lac_dtype d)
{
    LAC_TRY(resolve(ip->def, config, &ip->config));
    for (int i = 0; i < lac_inpainter_roles(ip->def); i++)
        LAC_TRY(open_role(ip, i, json_object_get(networks, ip->def->role[i].name), b, d));
    if (ip->def->fits == NULL)
        return LAC_OK;
    json_t *all;
    LAC_TRY(lac_inpainter_networks(ip, &all));
    const lac_status s = ip->def->fits(all);
    json_decref(all);
    return s;
}

lac_status lac_inpainter_open(lac_inpainter *ip, const lac_inpainter_def *def, const json_t *networks, const json_t *config, const lac_backend *b, lac_dtype d)
{
    *ip = (lac_inpainter){ .def = def };
    const lac_status s = lac_context(open(ip, networks, config, b, d), "%s", def->name);
    if (s != LAC_OK)
        lac_inpainter_close(ip);
    return s;
}

void lac_inpainter_close(lac_inpainter *ip)
{
    for (int i = 0; i < LAC_INPAINTER_ROLES; i++)
        lac_network_close(&ip->network[i]);
    lac_prompts_close(&ip->prompts);
    json_decref(ip->config);
    *ip = (lac_inpainter){ 0 };
}

lac_status lac_inpainter_configure(lac_inpainter *ip, const json_t *changes)
{
    const char *name;
    json_t *value, *resolved, *given = json_copy(ip->config);
    if (given == NULL)
        return LAC_FAIL(LAC_ERR_MEM, "out of memory: config");
    lac_status s = LAC_OK;
    json_object_foreach((json_t *)changes, name, value) {
        if (s == LAC_OK && json_object_get(given, name) == NULL)
            s = LAC_FAIL(LAC_ERR_ARG, "%s has no '%s'", ip->def->name, name);
        json_object_set(given, name, value);
    }
    if (s == LAC_OK)
        s = resolve(ip->def, given, &resolved);
    json_decref(given);
    LAC_TRY(s);
    json_decref(ip->config);
    ip->config = resolved;
    return LAC_OK;
}

/* ---- copying ---- */

lac_status lac_inpainter_networks(const lac_inpainter *ip, json_t **networks)
{
    *networks = json_object();
    bool failed = *networks == NULL;
    for (int i = 0; !failed && i < lac_inpainter_roles(ip->def); i++) {
        const lac_network *n = &ip->network[i];
        json_t *told = n->def != NULL ? json_pack("{s:s, s:O}", "network", n->def->name, "config", n->config) : NULL;
        if (told != NULL && n->bgr)
            json_object_set_new(told, "bgr", json_true());
        failed = n->def != NULL && json_object_set_new(*networks, ip->def->role[i].name, told) != 0;
    }
    if (!failed)
        return LAC_OK;
    json_decref(*networks);
    return LAC_FAIL(LAC_ERR_MEM, "out of memory: networks");
}

static lac_status copy_values(lac_params *to, const lac_params *from)
{
    for (int64_t i = 0; i < to->n; i++) {
        const lac_param *p = lac_params_find(from, to->param[i]->name);
        float *x;
        if (p == NULL || !lac_same_shape(p->value, to->param[i]->value))
            return LAC_FAIL(LAC_ERR_KEY, "'%s' is missing or of another shape", to->param[i]->name);
        LAC_TRY(lac_malloc((void **)&x, (size_t)lac_numel(p->value) * sizeof *x));
        lac_status s = lac_param_get(p, x);
        if (s == LAC_OK)
            s = lac_param_set(to->param[i], x);
        free(x);
        LAC_TRY(s);
    }
    return LAC_OK;
}

/* What of a config goes over to def, where it was another's (NULL: nobody's): keys that both have, and where the other has its own default the new one has its own too. */
static lac_status config_for(const lac_inpainter_def *def, const lac_inpainter_def *other, const json_t *config, json_t **known)
{
    json_t *usual = NULL, *nothing = json_object();
    const bool differs = other != NULL && other != def && other->keys != NULL;
    const lac_status s = nothing == NULL ? LAC_FAIL(LAC_ERR_MEM, "out of memory: settings") : differs ? lac_config_resolve(&usual, other->keys, nothing, NULL, NULL) : LAC_OK;
    json_decref(nothing);
    LAC_TRY(s);
    *known = json_object();
    for (const lac_key *k = def->keys; *known != NULL && k != NULL && k->name != NULL; k++) {
        json_t *value = json_object_get(config, k->name);
        if (value != NULL && !json_equal(value, json_object_get(usual, k->name)))
            json_object_set(*known, k->name, value);
    }
    json_decref(usual);
    return *known != NULL ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory: settings");
}

static const lac_network *network_of(const lac_inpainter *ip, const char *role)
{
    for (int i = 0; i < lac_inpainter_roles(ip->def); i++)
        if (strcmp(ip->def->role[i].name, role) == 0 && ip->network[i].def != NULL)
            return &ip->network[i];
    return NULL;
}

/* Another's roles must have networks there, and no others are taken along. */
static lac_status choose_networks(const lac_inpainter *from, const lac_inpainter_def *as, json_t *networks)
{
    json_t *value;
    void *next;
    const char *role;
    for (int i = 0; i < lac_inpainter_roles(as); i++)
        if (!as->role[i].optional && network_of(from, as->role[i].name) == NULL)
            return LAC_FAIL(LAC_ERR_CONFIG, "'%s' wants the network '%s', which '%s' has not", as->name, as->role[i].name, from->def->name);
    json_object_foreach_safe(networks, next, role, value) {
        int i = 0;
        while (i < lac_inpainter_roles(as) && strcmp(as->role[i].name, role) != 0)
            i++;
        if (i == lac_inpainter_roles(as))
            json_object_del(networks, role);
    }
    return LAC_OK;
}

lac_status lac_inpainter_copy(lac_inpainter *ip, const lac_inpainter *from, const lac_inpainter_def *as, const lac_backend *b, lac_dtype d)
{
    const lac_inpainter_def *def = as != NULL ? as : from->def;
    json_t *networks, *config = NULL;
    *ip = (lac_inpainter){ 0 };
    LAC_TRY(lac_inpainter_networks(from, &networks));
    lac_status s = config_for(def, from->def, from->config, &config);
    if (s == LAC_OK)
        s = choose_networks(from, def, networks);
    if (s == LAC_OK)
        s = lac_inpainter_open(ip, def, networks, config, b, d);
    json_decref(config);
    json_decref(networks);
    for (int i = 0; s == LAC_OK && i < lac_inpainter_roles(def); i++)
        if (ip->network[i].def != NULL)
            s = copy_values(ip->network[i].params, network_of(from, def->role[i].name)->params);
    if (s == LAC_OK)
        s = lac_prompts_copy(&ip->prompts, &from->prompts);
    if (s != LAC_OK)
        lac_inpainter_close(ip);
    return s;
}

/* ---- files ---- */

static lac_status put_json(lac_weights_writer *w, const char *key, const json_t *value)
{
    char *text = lac_config_text(value, JSON_COMPACT | JSON_SORT_KEYS);
    const lac_status s = text != NULL ? lac_weights_writer_metadata(w, key, text) : LAC_FAIL(LAC_ERR_MEM, "out of memory: %s", key);
    free(text);
    return s;
}

static lac_status put_prompts(lac_weights_writer *w, const lac_prompts *p)
{
    if (p->tokenizer == NULL)
        return LAC_OK;
    LAC_TRY(put_json(w, "lacuna.tokenizer", p->config));
    for (int i = 0; i < p->files.n; i++) {
        const lac_text_file *f = &p->files.file[i];
        char key[160];
        snprintf(key, sizeof key, LAC_MODEL_TOKENIZER "%s", f->name);
        LAC_TRY(lac_weights_writer_add(w, key, LAC_U8, 1, (int64_t[]){ (int64_t)f->size }, f->bytes));
    }
    return LAC_OK;
}

static lac_status put_network(lac_weights_writer *w, const lac_network *n, const char *role, lac_dtype d, lac_borrowed *keep)
{
    const lac_network_format *own;
    char prefix[64];
    if (n->def == NULL)
        return LAC_OK;
    snprintf(prefix, sizeof prefix, "%s.", role);
    LAC_TRY(lac_network_format_find(n->def, "probe", &own));
    return lac_network_write(w, n->params, own, prefix, d, keep);
}

static lac_status put_model(lac_weights_writer *w, const lac_inpainter *ip, lac_dtype d, lac_borrowed *keep)
{
    json_t *networks;
    LAC_TRY(lac_inpainter_networks(ip, &networks));
    lac_status s = put_json(w, "lacuna.networks", networks);
    json_decref(networks);
    if (s == LAC_OK)
        s = lac_weights_writer_metadata(w, "lacuna.inpainter", ip->def->name);
    if (s == LAC_OK)
        s = put_json(w, "lacuna.config", ip->config);
    if (s == LAC_OK)
        s = put_prompts(w, &ip->prompts);
    for (int i = 0; s == LAC_OK && i < lac_inpainter_roles(ip->def); i++)
        s = put_network(w, &ip->network[i], ip->def->role[i].name, d, keep);
    return s;
}

lac_status lac_inpainter_save(const char *path, const lac_inpainter *ip, lac_dtype d)
{
    lac_weights_writer *w;
    lac_borrowed keep = { 0 };
    if (lac_inpainter_roles(ip->def) == 1)
        return lac_network_save(path, &ip->network[0], d);
    LAC_TRY(lac_weights_writer_new(&w));
    lac_status s = put_model(w, ip, d, &keep);
    if (s == LAC_OK)
        s = lac_weights_writer_finish(w, path);
    lac_weights_writer_free(w);
    lac_borrowed_free(&keep);
    return lac_context(s, "writing '%s'", path);
}

/* ---- a network and its tokenizer, which no inpainter is made of ---- */

static lac_status load_with(lac_network *n, lac_prompts *p, lac_source *from, const lac_network_def *wanted, const lac_backend *b)
{
    int i = 0;
    while (i < from->n && from->part[i].def != wanted)
        i++;
    if (i == from->n)
        return LAC_FAIL(LAC_ERR_FORMAT, "it does not hold the network '%s'", wanted->name);
    if (from->tokenizer == NULL)
        return LAC_FAIL(LAC_ERR_FORMAT, "it holds no tokenizer for the network '%s': export the run whole, without --network", wanted->name);
    LAC_TRY(lac_network_open(n, wanted, from->part[i].config, b, LAC_F32));
    LAC_TRY(lac_source_read(from, from->part[i].role, n->params));
    LAC_TRY(lac_source_prompts(from, p));
    return lac_prompts_fit(p, n);
}

static lac_status put_alone(lac_weights_writer *w, const lac_network *n, const lac_prompts *p, lac_dtype d, lac_borrowed *keep)
{
    json_t *told = json_pack("{s:{s:s, s:O}}", n->params->name, "network", n->def->name, "config", n->config);
    lac_status s = told != NULL ? put_json(w, "lacuna.networks", told) : LAC_FAIL(LAC_ERR_MEM, "out of memory: networks");
    json_decref(told);
    if (s == LAC_OK)
        s = put_prompts(w, p);
    return s == LAC_OK ? put_network(w, n, n->params->name, d, keep) : s;
}

lac_status lac_network_save_with(const char *path, const lac_network *n, const lac_prompts *p, lac_dtype d)
{
    lac_weights_writer *w;
    lac_borrowed keep = { 0 };
    LAC_TRY(lac_weights_writer_new(&w));
    lac_status s = put_alone(w, n, p, d, &keep);
    if (s == LAC_OK)
        s = lac_weights_writer_finish(w, path);
    lac_weights_writer_free(w);
    lac_borrowed_free(&keep);
    return lac_context(s, "writing '%s'", path);
}

lac_status lac_network_load_with(lac_network *n, lac_prompts *p, const char *path, const lac_network_def *wanted, const lac_backend *b)
{
    lac_source from;
    *n = (lac_network){ .def = NULL };
    *p = (lac_prompts){ 0 };
    lac_status s = lac_source_open(&from, path);
    if (s == LAC_OK)
        s = load_with(n, p, &from, wanted, b);
    lac_source_close(&from);
    if (s != LAC_OK) {
        lac_network_close(n);
        lac_prompts_close(p);
    }
    return lac_context(s, "loading '%s'", path);
}

lac_status lac_inpainter_is_model(const char *path, bool *several)
{
    lac_weights *w;
    *several = lac_inpainter_is_pipeline(path);
    if (*several)
        return LAC_OK;
    LAC_TRY(lac_weights_open(&w, path));
    *several = lac_weights_metadata(w, "lacuna.networks") != NULL || lac_source_is_checkpoint(w);
    lac_weights_close(w);
    return LAC_OK;
}

/* Those whose networks these can be; the first where none is wanted. */
static lac_status choose(const lac_source *from, const lac_inpainter_def *wanted, const lac_inpainter_def **def)
{
    if (from->inpainter != NULL && wanted == NULL)
        return lac_inpainter_find(def, from->inpainter);
    *def = wanted;
    for (int i = 0; *def == NULL && lac_inpainter_at(i) != NULL; i++)
        if (lac_source_fits(from, lac_inpainter_at(i)) == LAC_OK)
            *def = lac_inpainter_at(i);
    return *def != NULL ? lac_source_fits(from, *def) : lac_source_unused(from);
}

static const lac_network *text_encoder(const lac_inpainter *ip)
{
    for (int i = 0; i < lac_inpainter_roles(ip->def); i++)
        if (ip->network[i].def != NULL && ip->network[i].def->states != NULL)
            return &ip->network[i];
    return NULL;
}

static lac_status read_prompts(lac_inpainter *ip, lac_source *from)
{
    const lac_network *encoder = text_encoder(ip);
    LAC_TRY(lac_source_prompts(from, &ip->prompts));
    return encoder != NULL ? lac_prompts_fit(&ip->prompts, encoder) : LAC_OK;
}

lac_status lac_inpainter_take_tokenizer(lac_inpainter *ip, const char *folder)
{
    const lac_network *encoder = text_encoder(ip);
    int64_t vocabulary, length;
    if (encoder == NULL)
        return LAC_FAIL(LAC_ERR_ARG, "a tokenizer is for a text encoder, and this %s has none", ip->def->name);
    encoder->def->reads(encoder->model, &vocabulary, &length);
    json_t *config = json_pack("{s:s, s:I}", "tokenizer", strcmp(encoder->def->name, "bert-encoder") == 0 ? "wordpiece" : "clip-bpe", "max_length", (json_int_t)length);
    lac_prompts_close(&ip->prompts);
    const lac_status s = config != NULL ? lac_prompts_open(&ip->prompts, folder, config) : LAC_FAIL(LAC_ERR_MEM, "out of memory: tokenizer");
    json_decref(config);
    return s == LAC_OK ? lac_prompts_fit(&ip->prompts, encoder) : s;
}

static lac_status load(lac_inpainter *ip, lac_source *from, const lac_inpainter_def *wanted, const lac_backend *b, lac_dtype d)
{
    const lac_inpainter_def *def, *own = NULL;
    json_t *config;
    LAC_TRY(choose(from, wanted, &def));
    if (from->inpainter != NULL)
        LAC_TRY(lac_inpainter_find(&own, from->inpainter));
    LAC_TRY(config_for(def, own, from->config, &config));
    json_t *networks = lac_source_networks(from, def);
    lac_status s = networks != NULL ? lac_inpainter_open(ip, def, networks, config, b, d) : LAC_FAIL(LAC_ERR_MEM, "out of memory: networks");
    json_decref(networks);
    json_decref(config);
    for (int i = 0; s == LAC_OK && i < lac_inpainter_roles(def); i++)
        if (ip->network[i].def != NULL)
            s = lac_source_read(from, def->role[i].name, ip->network[i].params);
    return s == LAC_OK ? read_prompts(ip, from) : s;
}

lac_status lac_inpainter_load(lac_inpainter *ip, const char *path, const lac_inpainter_def *wanted, const lac_backend *b, lac_dtype d)
{
    lac_source from;
    *ip = (lac_inpainter){ .def = NULL };
    lac_status s = lac_source_open(&from, path);
    if (s == LAC_OK)
        s = load(ip, &from, wanted, b, d);
    lac_source_close(&from);
    if (s != LAC_OK)
        lac_inpainter_close(ip);
    return lac_context(s, "loading '%s'", path);
}
