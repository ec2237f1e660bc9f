#include "models/network.h"

#include "core/memory.h"
#include "core/named.h"

#include <stdlib.h>
#include <string.h>

static lac_named networks = { "network", LAC_ERR_ARG, {
#define LAC_NETWORK(identifier) &lac_network_##identifier,
#include "models/networks.def"
#undef LAC_NETWORK
} };

const lac_network_def *lac_network_at(int i) { return networks.entry[i]; }
lac_status lac_network_register(const lac_network_def *def) { return lac_named_add(&networks, def); }
lac_status lac_network_find(const lac_network_def **def, const char *name) { return LAC_NAMED_FIND(&networks, name, def); }

lac_status lac_network_resolve(const lac_network_def *def, const json_t *given, json_t **config)
{
    static const lac_key none[] = { { NULL } };
    json_t *empty = given == NULL ? json_object() : NULL;
    if (given == NULL && empty == NULL)
        return LAC_FAIL(LAC_ERR_MEM, "out of memory: config");
    const lac_status s = lac_config_resolve(config, def->keys != NULL ? def->keys : none, empty != NULL ? empty : given, NULL, NULL);
    json_decref(empty);
    return lac_context(s, "config of %s", def->name);
}

static lac_status make(lac_network *n, const char *name, const json_t *config, const lac_backend *b, lac_dtype d)
{
    LAC_TRY(lac_network_resolve(n->def, config, &n->config));
    LAC_TRY(lac_params_new(&n->params, name != NULL ? name : n->def->name, b, d));
    LAC_TRY(lac_calloc(&n->model, 1, n->def->size));
    return lac_context(n->def->init(n->model, n->params, n->config), "network '%s'", n->def->name);
}

lac_status lac_network_make(lac_network *n, const lac_network_def *def, const char *name, const json_t *config, const lac_backend *b, lac_dtype d)
{
    *n = (lac_network){ .def = def };
    const lac_status s = make(n, name, config, b, d);
    if (s != LAC_OK)
        lac_network_close(n);
    return s;
}

static lac_status open(lac_network *n, const lac_network_def *def, const json_t *config, const lac_backend *b, lac_dtype d, bool drawn)
{
    LAC_TRY(lac_network_make(n, def, NULL, config, b, d));
    n->params->frozen = true;
    const lac_status s = drawn ? lac_params_init(n->params, 0) : lac_params_init_zero(n->params);
    if (s != LAC_OK)
        lac_network_close(n);
    return s;
}

lac_status lac_network_open(lac_network *n, const lac_network_def *def, const json_t *config, const lac_backend *b, lac_dtype d) { return open(n, def, config, b, d, true); }
lac_status lac_network_open_zero(lac_network *n, const lac_network_def *def, const json_t *config, const lac_backend *b, lac_dtype d) { return open(n, def, config, b, d, false); }

void lac_network_close(lac_network *n)
{
    if (n->model != NULL && n->def->close != NULL)
        n->def->close(n->model);
    free(n->model);
    lac_params_free(n->params);
    json_decref(n->config);
    *n = (lac_network){ .def = NULL };
}

/* ---- one region ---- */

typedef struct region {
    const lac_network *net;
    lac_network_call *f;
    lac_tensor *const *in;
    lac_tensor **out;
    int n_in, n_out;
} region;

static lac_status body(lac_tape *t, void *context)
{
    const region *r = context;
    lac_tensor *in[LAC_NETWORK_MAX_IN] = { NULL }, *out[LAC_NETWORK_MAX_OUT] = { NULL };
    for (int i = 0; i < r->n_in; i++)
        in[i] = r->in[i] != NULL ? lac_tape_input(t, r->in[i], r->in[i]->dtype) : NULL;
    LAC_TRY(r->f(t, r->net->model, in, out));
    LAC_TRY(lac_tape_status(t));
    for (int i = 0; i < r->n_out; i++)
        LAC_TRY(lac_keep(t, out[i], &r->out[i]));
    return LAC_OK;
}

/* The network itself is told by the first of its parameters: another one's region of the same shapes is another region. */
static lac_status signature_of(const region *r, const char *what, char **signature)
{
    const lac_params *ps = r->net->params;
    LAC_TRY(lac_format(signature, "%s/%s/%llu", ps->name, what, ps->n > 0 ? (unsigned long long)ps->param[0]->value->uid : 0));
    for (int i = 0; i < r->n_in; i++) {
        const lac_tensor *x = r->in[i];
        char *longer;
        const lac_status s = lac_format(&longer, "%s/%s%s", *signature, x != NULL ? lac_dtype_name(x->dtype) : "-", x != NULL ? lac_shape_str(x) : "");
        free(*signature);
        LAC_TRY(s);
        *signature = longer;
    }
    return LAC_OK;
}

lac_status lac_network_run(const lac_network *n, lac_tape *t, const char *what, lac_network_call *f, lac_tensor *const *in, int n_in,
                           lac_tensor **out, int n_out)
{
    region r = { n, f, in, out, n_in, n_out };
    char *signature;
    for (int i = 0; i < n_out; i++)
        out[i] = NULL;
    if (n_in > LAC_NETWORK_MAX_IN || n_out > LAC_NETWORK_MAX_OUT)
        return LAC_FAIL(LAC_ERR_ARG, "%s of '%s' has %d inputs and %d outputs, at most %d and %d can be", what, n->params->name, n_in, n_out,
                        LAC_NETWORK_MAX_IN, LAC_NETWORK_MAX_OUT);
    LAC_TRY(signature_of(&r, what, &signature));
    const lac_status s = lac_tape_run(t, signature, body, &r);
    free(signature);
    for (int i = 0; s != LAC_OK && i < n_out; i++) {
        lac_tensor_free(out[i]);
        out[i] = NULL;
    }
    return s;
}
