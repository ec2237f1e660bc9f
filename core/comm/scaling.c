#include "core/comm/scaling.h"

#include "core/status.h"

static int64_t nodes(const lac_links *l, int64_t ranks) { return (ranks + l->per_node - 1) / l->per_node; }

static double bandwidth(const lac_links *l, int64_t ranks)
{
    const bool inside = ranks > 1 && l->per_node > 1, between = nodes(l, ranks) > 1;
    return !between ? l->intra_bandwidth : inside ? LAC_MIN(l->intra_bandwidth, l->inter_bandwidth) : l->inter_bandwidth;
}

double lac_ring_seconds(const lac_links *l, int64_t ranks, double bytes)
{
    const double p = (double)ranks, m = (double)nodes(l, ranks);
    return ranks == 1 ? 0 : (p - m) * l->intra_latency + (m - 1) * l->inter_latency + (p - 1) / p * bytes / bandwidth(l, ranks);
}

static double tree_seconds(const lac_links *l, int64_t ranks, double bytes)
{
    const int64_t m = nodes(l, ranks);
    int levels = 0;
    while ((int64_t)1 << levels < m)
        levels++;
    const double chain = (double)ranks / (double)m - 1;
    return 2 * (chain * l->intra_latency + levels * l->inter_latency) + 2 * bytes / bandwidth(l, ranks);
}

double lac_all_reduce_seconds(const lac_links *l, int64_t ranks, double bytes)
{
    const double ring = 2 * lac_ring_seconds(l, ranks, bytes);
    return ranks == 1 ? 0 : LAC_MIN(ring, tree_seconds(l, ranks, bytes));
}

/* What the reduction adds to a step: all of it, or what still runs when backward has ended. Equal buckets, made at an even pace. */
static double exposed(const lac_scaling_step *s, const lac_links *l, int64_t ranks, bool zero1, bool overlap)
{
    const int64_t n = LAC_MAX((s->bytes + s->bucket - 1) / s->bucket, 1);
    const double bytes = (double)s->bytes / (double)n;
    const double each = zero1 ? lac_ring_seconds(l, ranks, bytes) : lac_all_reduce_seconds(l, ranks, bytes);
    double done = 0;
    for (int64_t k = 0; overlap && k < n; k++)
        done = LAC_MAX(done, s->backward * (double)(k + 1) / (double)n) + each;
    return overlap ? done - s->backward : each * (double)n;
}

double lac_scaling_seconds(const lac_scaling_step *s, const lac_links *l, int64_t ranks, bool zero1, bool overlap)
{
    const double compute = (double)s->micros * (s->forward + s->backward);
    const double after = zero1 ? s->optimizer / (double)ranks + lac_ring_seconds(l, ranks, (double)s->bytes) : s->optimizer;
    return compute + exposed(s, l, ranks, zero1, overlap) + after;
}

double lac_scaling_efficiency(const lac_scaling_step *s, const lac_links *l, int64_t ranks, bool zero1, bool overlap)
{
    return lac_scaling_seconds(s, l, 1, false, false) / lac_scaling_seconds(s, l, ranks, zero1, overlap);
}
