#include "cli/model_arg.h"

#include "core/file/folder.h"
#include "core/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool lac_model_is_run(const char *word)
{
    struct stat st;
    return stat(word, &st) == 0 && S_ISDIR(st.st_mode);
}

lac_status lac_model_device(const lac_model_how *how, const lac_backend **b, lac_dtype *d)
{
    json_t *words = json_pack("{s:s, s:s}", "device", how->device, "precision", how->precision);
    const bool known = strcmp(how->precision, "auto") == 0 || strcmp(how->precision, "f32") == 0 || strcmp(how->precision, "bf16") == 0;
    const lac_status s = known ? lac_run_device(words, b, d)
                               : LAC_FAIL(LAC_ERR_ARG, "--precision must be auto, f32 or bf16, found '%s'", how->precision);
    json_decref(words);
    return s;
}

/* The last part of a path, without the ending of weights. */
static lac_status name_of(const char *word, char **name)
{
    size_t end = strlen(word);
    while (end > 1 && word[end - 1] == '/')
        end--;
    size_t from = end;
    while (from > 0 && word[from - 1] != '/')
        from--;
    static const char ending[] = ".safetensors";
    const size_t n = sizeof ending - 1;
    if (end - from > n && strncmp(word + end - n, ending, n) == 0)
        end -= n;
    return lac_format(name, "%.*s", (int)(end - from), word + from);
}

/* From the masters of the run's network, so that a run trained in bf16 is used in f32 without a loss. */
static lac_status open_run(lac_model *m, const char *folder, const lac_inpainter_def *wanted, const lac_backend *b, lac_dtype d)
{
    lac_loaded run;
    lac_inpainter lent;
    LAC_TRY(lac_run_load(&run, folder, NULL));
    if (run.trainer.recipe.def->inpainter == NULL) {
        const lac_status none = LAC_FAIL(LAC_ERR_ARG, "run '%s': recipe '%s' makes no pictures", folder, run.trainer.recipe.def->name);
        lac_loaded_close(&run);
        return none;
    }
    run.trainer.recipe.def->inpainter(&run.trainer.recipe, run.stage->config, &lent);
    m->config = json_incref(run.stage->config);
    const lac_status s = lac_inpainter_copy(&m->ip, &lent, wanted, b, d);
    lac_loaded_close(&run);
    return lac_context(s, "run '%s'", folder);
}

/* A number, true or false, null or a list as JSON has them; else a word. */
static lac_status put(json_t *to, const char *key, const char *value)
{
    if (value == NULL)
        return LAC_OK;
    json_t *x = json_loads(value, JSON_DECODE_ANY, NULL);
    return json_object_set_new(to, key, x != NULL ? x : json_string(value)) == 0 ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory: --set");
}

static lac_status put_word(json_t *to, const char *word)
{
    const char *equals = strchr(word, '=');
    char *key;
    if (equals == NULL)
        return LAC_FAIL(LAC_ERR_ARG, "--setting wants KEY=VALUE, found '%s'", word);
    LAC_TRY(lac_format(&key, "%.*s", (int)(equals - word), word));
    const lac_status s = put(to, key, equals + 1);
    free(key);
    return s;
}

static lac_status gather(const lac_model_how *how, json_t *to)
{
    LAC_TRY(put(to, "sampler", how->sampler));
    LAC_TRY(put(to, "steps", how->steps));
    LAC_TRY(put(to, "guidance_scale", how->guidance));
    LAC_TRY(put(to, "strength", how->strength));
    for (int i = 0; i < how->set.n; i++)
        LAC_TRY(put_word(to, how->set.word[i]));
    return LAC_OK;
}

lac_status lac_model_configure(lac_model *m, const lac_model_how *how)
{
    json_t *changes = json_object();
    lac_status s = changes != NULL ? gather(how, changes) : LAC_FAIL(LAC_ERR_MEM, "out of memory: --set");
    if (s == LAC_OK)
        s = lac_inpainter_configure(&m->ip, changes);
    json_decref(changes);
    return s;
}

lac_status lac_model_open(lac_model *m, const char *word, const lac_model_how *how)
{
    const lac_backend *b;
    lac_dtype d;
    struct stat st;
    *m = (lac_model){ .name = NULL };
    if (stat(word, &st) != 0)
        return LAC_FAIL(LAC_ERR_IO, "there is no run and no weights file '%s': %s", word, strerror(errno));
    LAC_TRY(lac_model_device(how, &b, &d));
    LAC_TRY(name_of(word, &m->name));
    const lac_inpainter_def *wanted = NULL;
    lac_status s = how->system != NULL ? lac_inpainter_find(&wanted, how->system) : LAC_OK;
    if (s == LAC_OK)
        s = S_ISDIR(st.st_mode) && !lac_folder_has_weights(word) && !lac_inpainter_is_pipeline(word) ? open_run(m, word, wanted, b, d) : lac_inpainter_load(&m->ip, word, wanted, b, d);
    if (s == LAC_OK)
        s = lac_model_configure(m, how);
    if (s != LAC_OK)
        lac_model_close(m);
    return s;
}

static lac_status hash_networks(const lac_inpainter *ip, json_t *weights)
{
    char hex[LAC_SHA256_HEX];
    for (int i = 0; i < lac_inpainter_roles(ip->def); i++)
        if (ip->network[i].params != NULL) {
            LAC_TRY(lac_params_hash(ip->network[i].params, hex));
            if (json_object_set_new(weights, ip->def->role[i].name, json_string(hex)) != 0)
                return LAC_FAIL(LAC_ERR_MEM, "out of memory: hashes of networks");
        }
    return LAC_OK;
}

lac_status lac_model_about(const lac_model *m, json_t **about)
{
    json_t *weights = json_object();
    const lac_params *first = m->ip.network[0].params;
    const lac_status s = lac_context(hash_networks(&m->ip, weights), "model '%s'", m->name);
    if (s != LAC_OK) {
        json_decref(weights);
        return s;
    }
    *about = json_pack("{s:s, s:o, s:O?, s:s, s:s}", "inpainter", m->ip.def->name, "weights", weights, "config", m->ip.config, "precision",
                       first->n > 0 ? lac_dtype_name(first->sorted[0]->value->dtype) : "", "device", lac_inpainter_backend(&m->ip)->name);
    return *about != NULL ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory: what '%s' is", m->name);
}

void lac_model_close(lac_model *m)
{
    lac_inpainter_close(&m->ip);
    json_decref(m->config);
    free(m->name);
    *m = (lac_model){ .name = NULL };
}
