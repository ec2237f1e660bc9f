/* Distances between sets of features, and scores of one: statistics in f64. */
#include "cli/probe/probe.h"

#include "eval/frechet.h"
#include "eval/inception_score.h"
#include "eval/kid.h"
#include "eval/p_ids.h"
#include "eval/precision_recall.h"

#include <math.h>
#include <string.h>

#define FEATURES(name, flags) { name, LAC_LAYOUT_PLAIN, 2, LAC_PORT_F64 | (flags), "[N,D]" }
static const lac_port two_sets[] = { FEATURES("features.a", 0), FEATURES("features.b", 0), { NULL } };

static lac_samples rows_of(const lac_probe *p, const char *name)
{
    const lac_tensor *x = lac_probe_host(p, name);
    return (lac_samples){ .n = x->dim[0], .d = x->dim[1], .f64 = x->data };
}

static lac_status same_features(const lac_samples *a, const lac_samples *b)
{
    return a->d == b->d && a->d > 0 ? LAC_OK
         : LAC_FAIL(LAC_ERR_SHAPE, "input 'features.b' has %lld features, 'features.a' %lld: expected as many, 1 at least", (long long)b->d, (long long)a->d);
}

static lac_status put(lac_probe *p, const char *name, double value)
{
    lac_tensor *x;
    LAC_TRY(lac_probe_result(p, name, LAC_F64, 0, NULL, &x));
    *(double *)x->data = value;
    return LAC_OK;
}

/* ---- frechet ---- */

static const lac_key frechet_keys[] = {
    { "ddof", LAC_KEY_INT, "1", .min = 0, .max = 1, .help = "the covariance is over N less this" }, { NULL },
};

#define MOMENTS(set)                                                                                                      \
    FEATURES("features." set, LAC_PORT_OPTIONAL), { "mu." set, LAC_LAYOUT_PLAIN, 1, LAC_PORT_F64 | LAC_PORT_OPTIONAL, "[D]" },    \
    { "sigma." set, LAC_LAYOUT_PLAIN, 2, LAC_PORT_F64 | LAC_PORT_OPTIONAL, "[D,D]" }

static const lac_port frechet_ports[] = { MOMENTS("a"), MOMENTS("b"), { NULL } };

static lac_status of_moments(lac_gaussian *g, const lac_tensor *mu, const lac_tensor *sigma, char set)
{
    const int64_t d = mu->dim[0];
    if (sigma->dim[0] != d || sigma->dim[1] != d || d < 1)
        return LAC_FAIL(LAC_ERR_SHAPE, "input 'sigma.%c' is %s, expected [%lld,%lld] as 'mu.%c' is [%lld]", set, lac_shape_str(sigma), (long long)d, (long long)d,
                        set, (long long)d);
    return lac_context(lac_gaussian_of_moments(g, mu->data, sigma->data, d), "input 'sigma.%c'", set);
}

static lac_status gaussian(const lac_probe *p, char set, lac_gaussian *g)
{
    const char name[3][16] = { { 'f', 'e', 'a', 't', 'u', 'r', 'e', 's', '.', set }, { 'm', 'u', '.', set }, { 's', 'i', 'g', 'm', 'a', '.', set } };
    const lac_tensor *features = lac_probe_host(p, name[0]), *mu = lac_probe_host(p, name[1]), *sigma = lac_probe_host(p, name[2]);
    if (features != NULL && (mu != NULL || sigma != NULL))
        return LAC_FAIL(LAC_ERR_KEY, "input '%s' beside '%s': expected one or the other", mu != NULL ? name[1] : name[2], name[0]);
    if (features == NULL && (mu == NULL || sigma == NULL))
        return LAC_FAIL(LAC_ERR_KEY, "input '%s' is missing: expected it, or both '%s' and '%s'", name[0], name[1], name[2]);
    if (features == NULL)
        return of_moments(g, mu, sigma, set);
    const lac_samples rows = rows_of(p, name[0]);
    if (rows.d < 1)
        return LAC_FAIL(LAC_ERR_SHAPE, "input '%s' is %s: no features", name[0], lac_shape_str(features));
    return lac_context(lac_gaussian_of_rows(g, &rows, (int)lac_config_int(p->config, "ddof")), "input '%s'", name[0]);
}

static lac_status frechet(lac_probe *p)
{
    lac_gaussian a = { 0 }, b = { 0 };
    lac_frechet f;
    lac_status s = gaussian(p, 'a', &a);
    if (s == LAC_OK)
        s = gaussian(p, 'b', &b);
    if (s == LAC_OK)
        s = lac_context(lac_frechet_distance(&f, &a, &b), "inputs of 'a' and 'b'");
    lac_gaussian_free(&a);
    lac_gaussian_free(&b);
    LAC_TRY(s);
    LAC_TRY(put(p, "value", f.value));
    LAC_TRY(put(p, "mean_term", f.mean_term));
    return put(p, "trace_term", f.trace_term);
}

const lac_kind lac_kind_frechet = { "frechet", "Frechet distance between two sets of features, or their moments", frechet_keys, frechet_ports,
                                    "value, mean_term, trace_term", .compute = frechet };

/* ---- kid ---- */

#define SEED_KEY { "seed", LAC_KEY_INT, "2020", .min = 0, .max = 4294967295, .help = "of NumPy's RandomState" }

static const lac_key kid_keys[] = {
    { "kernel", LAC_KEY_STR, "\"poly\"", .choices = "poly|rbf", .help = "(gamma x.y + coef0)^degree, or exp(-|x - y|^2 / (2 sigma^2))" },
    { "degree", LAC_KEY_INT, "3", .min = 1, .max = 100, .help = "of poly" },
    { "gamma", LAC_KEY_NUM | LAC_KEY_NULL, "null", .help = "of poly; null: 1 / D" },
    { "coef0", LAC_KEY_NUM, "1", .help = "of poly" },
    { "sigma", LAC_KEY_NUM | LAC_KEY_ABOVE_MIN, "10", .min = 0, .max = 1e300, .help = "of rbf" },
    { "subsets", LAC_KEY_INT, "100", .min = 0, .max = 1000000, .help = "how many are drawn; 0: one value of all samples" },
    { "subset_size", LAC_KEY_INT, "1000", .min = 2, .max = 1e9, .help = "samples of each set in a subset" },
    SEED_KEY, { NULL },
};

static lac_status kid(lac_probe *p)
{
    const lac_samples a = rows_of(p, "features.a"), b = rows_of(p, "features.b");
    const lac_kid_config c = {
        .rbf = strcmp(lac_config_str(p->config, "kernel"), "rbf") == 0, .degree = lac_config_int(p->config, "degree"),
        .gamma = json_is_null(lac_config_at(p->config, "gamma")) ? NAN : lac_config_num(p->config, "gamma"), .coef0 = lac_config_num(p->config, "coef0"),
        .sigma = lac_config_num(p->config, "sigma"), .subsets = lac_config_int(p->config, "subsets"),
        .subset_size = lac_config_int(p->config, "subset_size"), .seed = (uint32_t)lac_config_int(p->config, "seed"),
    };
    double value, std;
    LAC_TRY(same_features(&a, &b));
    LAC_TRY(lac_context(lac_kid(&value, &std, &a, &b, &c), "inputs 'features.a' and 'features.b'"));
    LAC_TRY(put(p, "value", value));
    return c.subsets > 0 ? put(p, "std", std) : LAC_OK;
}

const lac_kind lac_kind_kid = { "kid", "kernel distance between two sets of features", kid_keys, two_sets, "value, std", .compute = kid };

/* ---- inception-score ---- */

static const lac_key is_keys[] = {
    { "splits", LAC_KEY_INT, "10", .min = 1, .max = 1e9, .help = "chunks of the samples" },
    { "shuffle", LAC_KEY_BOOL, "true", .help = "permute the samples first" }, SEED_KEY,
    { "ddof", LAC_KEY_INT, "0", .min = 0, .max = 1, .help = "the deviation is over splits less this" }, { NULL },
};

static const lac_port is_ports[] = { { "logits", LAC_LAYOUT_PLAIN, 2, LAC_PORT_F64, "[N,C]" }, { NULL } };

static lac_status inception_score(lac_probe *p)
{
    const lac_samples logits = rows_of(p, "logits");
    const lac_is_config c = { lac_config_int(p->config, "splits"), lac_config_bool(p->config, "shuffle"), (uint32_t)lac_config_int(p->config, "seed"),
                              (int)lac_config_int(p->config, "ddof") };
    double value, std;
    if (logits.d < 1)
        return LAC_FAIL(LAC_ERR_SHAPE, "input 'logits' is %s: no class", lac_shape_str(lac_probe_host(p, "logits")));
    LAC_TRY(lac_context(lac_inception_score(&value, &std, &logits, &c), "input 'logits'"));
    LAC_TRY(put(p, "value", value));
    return put(p, "std", std);
}

const lac_kind lac_kind_inception_score = { "inception-score", "Inception score of logits", is_keys, is_ports, "value, std", .compute = inception_score };

/* ---- precision-recall ---- */

static const lac_key pr_keys[] = { { "k", LAC_KEY_INT, "3", .min = 1, .max = 1e6, .help = "the neighbour that a sample's ball reaches to" }, { NULL } };

static lac_status precision_recall(lac_probe *p)
{
    const lac_samples a = rows_of(p, "features.a"), b = rows_of(p, "features.b");
    lac_precision_recall v;
    LAC_TRY(same_features(&a, &b));
    LAC_TRY(lac_context(lac_precision_recall_of(&v, &a, &b, lac_config_int(p->config, "k")), "inputs 'features.a' and 'features.b' with k = %lld",
                        (long long)lac_config_int(p->config, "k")));
    LAC_TRY(put(p, "precision", v.precision));
    LAC_TRY(put(p, "recall", v.recall));
    return put(p, "f_score", v.f_score);
}

const lac_kind lac_kind_precision_recall = { "precision-recall", "shares of two sets of features that lie in each other's neighbourhood", pr_keys, two_sets,
                                             "precision, recall, f_score", .compute = precision_recall };

/* ---- p-ids ---- */

static lac_status p_ids(lac_probe *p)
{
    const lac_samples a = rows_of(p, "features.a"), b = rows_of(p, "features.b");
    lac_tensor *weight;
    lac_p_ids v;
    double bias;
    LAC_TRY(same_features(&a, &b));
    LAC_TRY(lac_probe_result(p, "weight", LAC_F64, 1, &a.d, &weight));
    LAC_TRY(lac_context(lac_p_ids_of(&v, weight->data, &bias, &a, &b), "inputs 'features.a' and 'features.b'"));
    LAC_TRY(put(p, "u_ids", v.u_ids));
    LAC_TRY(put(p, "p_ids", v.p_ids));
    return put(p, "bias", bias);
}

const lac_kind lac_kind_p_ids = { "p-ids", "how well a linear machine tells completed pictures from real ones", NULL, two_sets, "u_ids, p_ids, weight, bias", .compute = p_ids };
