#include "cli/bench_scaling.h"

#include "core/comm/scaling.h"

const lac_scaling_options lac_scaling_defaults = { .backward = 0.6, .optimizer = 0.03, .intra_gbs = 450, .inter_gbs = 400,
                                                   .intra_us = 3.4, .inter_us = 9.6, .per_node = 8, .micros = 4 };

lac_status lac_scaling_check(const lac_scaling_options *o)
{
    const struct { const char *name; double value; } above_zero[] = {
        { "intra-gbs", o->intra_gbs }, { "inter-gbs", o->inter_gbs }, { "per-node", (double)o->per_node }, { "micros", (double)o->micros } };
    for (size_t i = 0; i < LAC_COUNT(above_zero); i++)
        if (above_zero[i].value <= 0)
            return LAC_FAIL(LAC_ERR_ARG, "--%s must be above 0, found %g", above_zero[i].name, above_zero[i].value);
    if (o->step_ms < 0 || o->bucket_mib < 0 || o->intra_us < 0 || o->inter_us < 0)
        return LAC_FAIL(LAC_ERR_ARG, "--step-ms, --bucket, --intra-us and --inter-us must not be negative");
    if (o->backward < 0 || o->optimizer < 0 || o->backward + o->optimizer > 1)
        return LAC_FAIL(LAC_ERR_ARG, "--backward and --optimizer are shares of a step, found %g and %g", o->backward, o->optimizer);
    if (o->step_ms == 0 && (o->backward != lac_scaling_defaults.backward || o->optimizer != lac_scaling_defaults.optimizer))
        return LAC_FAIL(LAC_ERR_ARG, "--backward and --optimizer go with --step-ms: a step that is timed here says its own shares");
    return LAC_OK;
}

static lac_scaling_step step_of(const lac_scaling_options *o, int64_t parameters)
{
    const double seconds = 1e-3 * o->step_ms;
    return (lac_scaling_step){ .forward = seconds * (1 - o->backward - o->optimizer), .backward = seconds * o->backward,
                               .optimizer = seconds * o->optimizer, .bytes = 4 * parameters, .bucket = LAC_MAX((int64_t)(1048576 * o->bucket_mib), 1), .micros = 1 };
}

static void print_row(FILE *to, const lac_scaling_step *one, const lac_links *l, int64_t ranks, int64_t micros)
{
    fprintf(to, "%8lld", (long long)ranks);
    for (int accumulated = 0; accumulated < 2; accumulated++) {
        lac_scaling_step s = *one;
        s.micros = accumulated ? micros : 1;
        for (int zero1 = 0; zero1 < 2; zero1++)
            for (int overlap = 0; overlap < 2; overlap++)
                fprintf(to, "   %6.1f%%", 100 * lac_scaling_efficiency(&s, l, ranks, zero1, overlap));
    }
    fputc('\n', to);
}

void lac_scaling_print(FILE *to, const lac_scaling_options *o, const char *name, const char *how, int64_t pictures, int64_t parameters)
{
    const lac_scaling_step s = step_of(o, parameters);
    const lac_links l = { 1e9 * o->intra_gbs, 1e9 * o->inter_gbs, 1e-6 * o->intra_us, 1e-6 * o->inter_us, o->per_node };
    char head[40];
    fprintf(to, "An estimate, not a measurement: efficiency of %s, a step on one GPU over a step on N, each with %lld pictures.\n", name, (long long)pictures);
    fprintf(to, "step        %.2f ms, %s: forward %.2f, backward %.2f, optimizer and the rest %.2f\n", o->step_ms, how, 1e3 * s.forward, 1e3 * s.backward,
            1e3 * s.optimizer);
    fprintf(to, "gradients   %.1f MB (%lld parameters in f32), %.1f MB at once\n", 1e-6 * (double)s.bytes, (long long)parameters,
            1e-6 * (double)s.bucket);
    fprintf(to, "links       %lld GPUs a node, %g GB/s each, %g us; between nodes %g GB/s a node, %g us\n\n", (long long)o->per_node, o->intra_gbs,
            o->intra_us, o->inter_gbs, o->inter_us);
    snprintf(head, sizeof head, "estimate, %lld micro-batches", (long long)o->micros);
    fprintf(to, "%8s   %-37s   %s\n", "", "estimate, one micro-batch", head);
    fprintf(to, "%8s   %-17s   %-17s   %-17s   %s\n", "", "all-reduce", "ZeRO-1", "all-reduce", "ZeRO-1");
    fprintf(to, "%8s", "GPUs");
    for (int i = 0; i < 4; i++)
        fprintf(to, "   %7s   %7s", "plain", "overlap");
    fputc('\n', to);
    for (int64_t ranks = 8; ranks <= 1024; ranks *= 2)
        print_row(to, &s, &l, ranks, o->micros);
}
