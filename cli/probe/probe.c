/* The subcommand: options, the list of kinds, and one run. */
#include "cli/probe/run.h"

#include "autograd/ops/backend_cpu.h"
#include "cli/commands.h"
#include "core/cpu/features.h"
#include "core/memory.h"
#include "models/network_folder.h"
#include "models/network_format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const lac_kind *const kinds[] = {
#define LAC_KIND(identifier) &lac_kind_##identifier,
#include "cli/probe/kinds.def"
#undef LAC_KIND
};
enum { N_KINDS = LAC_COUNT(kinds) };

static lac_status find_kind(const char *name, const lac_kind **kind)
{
    const char *names[N_KINDS];
    int at = 0;
    for (int i = 0; i < N_KINDS; i++)
        names[i] = kinds[i]->name;
    LAC_TRY(lac_options_choose("KIND", name, names, N_KINDS, &at));
    *kind = kinds[at];
    return LAC_OK;
}

static void list_keys(const lac_key *keys, const char *before)
{
    for (const lac_key *k = keys; k != NULL && k->name != NULL; k++)
        printf("%s%s%s%s", k == keys ? before : " ", k->name, k->value && k->value[0] == '\0' ? "" : "=", k->value ? k->value : "(required)");
}

static void list(void)
{
    for (int i = 0; i < N_KINDS; i++) {
        printf("%-22s in:", kinds[i]->name);
        for (const lac_port *p = kinds[i]->in; p->name != NULL; p++)
            printf(" %s%s%s%s", p->name, p->flags & LAC_PORT_NUMBERED ? lac_probe_join(p) : "", p->flags & LAC_PORT_NUMBERED ? "0.." : p->flags & LAC_PORT_OPTIONAL ? "?" : "",
                   p->shape);
        printf("  out: %s", kinds[i]->out);
        if (kinds[i]->network != NULL || kinds[i]->open != NULL)
            printf("  --weights");
        if (kinds[i]->folder != NULL)
            printf("  --weights FOLDER: %s", kinds[i]->folder);
        list_keys(kinds[i]->keys, "  config: ");
        list_keys(kinds[i]->other != NULL ? kinds[i]->other->keys : NULL, "; or ");
        printf("  -- %s\n", kinds[i]->about);
    }
}

/* The KIND's keys that the network has too. */
static lac_status part_of_config(const lac_probe *p, const lac_network_def *def, json_t **part)
{
    *part = json_object();
    bool failed = *part == NULL;
    for (const lac_key *k = def->keys; !failed && k != NULL && k->name != NULL; k++) {
        json_t *value = json_object_get(p->config, k->name);
        failed = value != NULL && json_object_set(*part, k->name, value) != 0;
    }
    return failed ? LAC_FAIL(LAC_ERR_MEM, "out of memory: config") : LAC_OK;
}

lac_status lac_probe_network(lac_probe *p, const lac_network_def *def, const char *name, const char *prefix, const json_t *config)
{
    json_t *part = NULL;
    lac_status s = config == NULL ? part_of_config(p, def, &part) : LAC_OK;
    if (s == LAC_OK)
        s = lac_network_make(&p->net[p->n_nets], def, name, config != NULL ? config : part, p->backend, p->dtype);
    json_decref(part);
    LAC_TRY(s);
    p->prefix[p->n_nets++] = prefix;
    return LAC_OK;
}

const void *lac_probe_model(const lac_probe *p, int i) { return p->net[i].model; }

static lac_status open_networks(lac_probe *p)
{
    if (p->kind->network != NULL)
        LAC_TRY(lac_probe_network(p, p->kind->network, NULL, "", NULL));
    return p->kind->open != NULL ? p->kind->open(p) : LAC_OK;
}

/* The format of a file under names that are not the network's own; own ones are checked as probe promises. */
static void find_format(lac_probe *p, const lac_weights *w)
{
    lac_network_format_of(p->net[0].def, w, &p->format, &p->prefix[0]);
    if (p->format->place != NULL && (p->kind->foreign || strcmp(p->format->name, p->kind->also) == 0))
        return;
    p->format = NULL;
    p->prefix[0] = "";
}

static lac_status read_values(lac_probe *p, const lac_weights *w, int i)
{
    if (p->format != NULL)
        return lac_network_read(p->net[i].params, w, p->format, p->prefix[i]);
    return lac_params_load(p->net[i].params, w, p->prefix[i], true, NULL);
}

static lac_status read_weights(lac_probe *p, const lac_weights *w)
{
    lac_params *ps[LAC_PROBE_MAX_NETS];
    if (p->format == NULL && (p->kind->foreign || p->kind->also != NULL))
        find_format(p, w);
    for (int i = 0; i < p->n_nets; i++) {
        ps[i] = p->net[i].params;
        LAC_TRY(lac_params_init(ps[i], 0));
    }
    if (p->format == NULL)
        LAC_TRY(lac_params_check(ps, p->prefix, p->n_nets, w));
    for (int i = 0; i < p->n_nets; i++) {
        LAC_TRY(read_values(p, w, i));
        LAC_TRY(lac_calloc((void **)&p->net_grad[i], (size_t)ps[i]->n, sizeof **p->net_grad));
    }
    return LAC_OK;
}

/* A folder says in its config.json whose weights it has. */
static lac_status check_class(const lac_probe *p, const lac_weights *w)
{
    const char *text = lac_weights_metadata(w, "config.json");
    json_t *published = p->kind->network != NULL && text != NULL ? json_loads(text, 0, NULL) : NULL;
    const lac_status s = published != NULL ? lac_network_check_class(p->kind->network, published) : LAC_OK;
    json_decref(published);
    return s;
}

static lac_status load_networks(lac_probe *p)
{
    lac_weights *w;
    if (p->kind->folder != NULL)
        return p->weights_path != NULL ? LAC_OK : LAC_FAIL(LAC_ERR_ARG, "%s wants --weights FOLDER with %s", p->kind->name, p->kind->folder);
    if (p->n_nets == 0)
        return p->weights_path == NULL ? LAC_OK : LAC_FAIL(LAC_ERR_ARG, "%s takes no --weights", p->kind->name);
    if (p->weights_path == NULL)
        return LAC_FAIL(LAC_ERR_ARG, "%s wants --weights FILE", p->kind->name);
    LAC_TRY(lac_weights_open(&w, p->weights_path));
    lac_status s = check_class(p, w);
    if (s == LAC_OK)
        s = read_weights(p, w);
    lac_weights_close(w);
    return lac_context(s, "loading '%s'", p->weights_path);
}

static void close_probe(lac_probe *p)
{
    for (int64_t i = 0; i < p->n_in; i++) {
        lac_tensor_free(p->input[i].host);
        lac_tensor_free(p->input[i].grad);
    }
    for (int i = 0; i < LAC_PROBE_MAX_OUT; i++) {
        lac_tensor_free(p->output[i].host);
        lac_tensor_free(p->output[i].grad);
    }
    for (int i = 0; i < p->n_nets; i++) {
        for (int64_t k = 0; p->net_grad[i] != NULL && k < p->net[i].params->n; k++)
            lac_tensor_free(p->net_grad[i][k]);
        free(p->net_grad[i]);
        lac_network_close(&p->net[i]);
    }
    for (int64_t i = 0; i < p->n_borders; i++)
        free(p->borders[i]);
    free(p->borders);
    free(p->input);
    json_decref(p->config);
    lac_weights_close(p->in);
}

static lac_status check_run(const lac_probe *p)
{
    if (p->want_grad && p->kind->forward == NULL)
        return LAC_FAIL(LAC_ERR_ARG, "%s has no gradients: --grad is not for it", p->kind->name);
    if (p->dtype == LAC_BF16 && strcmp(p->backend->name, "cpu") == 0 && !lac_cpu_has_avx512_bf16())
        return LAC_FAIL(LAC_ERR_ARG, "bf16 needs a CPU with avx512_bf16 or AMX, this is %s", lac_cpu_model());
    return LAC_OK;
}

static lac_status run(lac_probe *p, const char *config, const char *in, const char *out)
{
    LAC_TRY(check_run(p));
    p->config_path = config;
    LAC_TRY(lac_probe_read_config(p, config));
    LAC_TRY(lac_weights_open(&p->in, in));
    LAC_TRY(lac_context(lac_probe_read_inputs(p), "'%s'", in));
    LAC_TRY(open_networks(p));
    LAC_TRY(load_networks(p));
    LAC_TRY(p->kind->forward != NULL ? lac_probe_run_tape(p) : p->kind->compute(p));
    return lac_probe_write(p, out);
}

static lac_status parse_dtype(const char *word, lac_dtype *d)
{
    static const char *const words[] = { "f32", "bf16" };
    int at = 0;
    LAC_TRY(lac_options_choose("--dtype", word, words, 2, &at));
    *d = at == 0 ? LAC_F32 : LAC_BF16;
    return LAC_OK;
}

int lac_cmd_probe(int argc, char **argv)
{
    const char *in = NULL, *out = NULL, *config = NULL, *weights = NULL, *device = "cpu", *dtype = "f32";
    bool grad = false, direct = false, lists = false, go;
    const lac_option options[] = {
        { "in", 0, "FILE", LAC_OPTION_STRING, &in, "tensors in, as safetensors" },
        { "out", 0, "FILE", LAC_OPTION_STRING, &out, "tensors out, as safetensors" },
        { "config", 0, "FILE", LAC_OPTION_STRING, &config, "JSON object with the KIND's keys; keys that begin with _ are ignored" },
        { "weights", 0, "PATH", LAC_OPTION_STRING, &weights, "parameters by their published names: a file, or a folder of diffusers or transformers; of a tokenizer, its folder" },
        { "grad", 0, NULL, LAC_OPTION_FLAG, &grad, "IN also holds grad.OUTPUT; OUT then also holds grad.INPUT and grad.PARAMETER" },
        { "device", 0, "NAME", LAC_OPTION_STRING, &device, "cpu or cuda (default cpu)" },
        { "dtype", 0, "NAME", LAC_OPTION_STRING, &dtype, "f32 or bf16 (default f32)" },
        { "deterministic", 0, NULL, LAC_OPTION_FLAG, &direct, "direct summation only: no Winograd" },
        { "list", 0, NULL, LAC_OPTION_FLAG, &lists, "every KIND with its inputs, outputs and config keys" },
        { NULL },
    };
    const lac_command command = { "lacuna probe", "KIND", 0, 1,
        "Runs one model, op or loss on tensors from a file.\n"
        "Images are NCHW, convolution weights OIHW. An error is one line, and OUT is not written.", options };
    lac_words words = { NULL, 0 };
    lac_probe p = { .dtype = LAC_F32 };
    lac_status s = lac_options_begin(&command, argc, argv, &words, &go);
    if (go && lists) {
        list();
    } else if (go) {
        if (words.n != 1 || in == NULL || out == NULL)
            s = LAC_FAIL(LAC_ERR_ARG, "probe wants a KIND, --in FILE and --out FILE (probe --list names the KINDs)");
        if (s == LAC_OK)
            s = find_kind(words.word[0], &p.kind);
        if (s == LAC_OK)
            s = parse_dtype(dtype, &p.dtype);
        if (s == LAC_OK)
            s = lac_backend_get(&p.backend, device);
        p.want_grad = grad;
        p.deterministic = direct;
        p.weights_path = weights;
        if (s == LAC_OK)
            s = lac_context(run(&p, config, in, out), "probe %s", p.kind->name);
        close_probe(&p);
    }
    lac_words_free(&words);
    return lac_finish(s);
}
