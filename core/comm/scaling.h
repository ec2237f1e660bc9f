/* core/comm/scaling.h -- an estimate of how a step's time grows with the number of GPUs, from what a step takes on one and what the links do.
 *
 * The alpha-beta model: a message of n bytes takes latency + n / bandwidth. With p ranks on m nodes, B the slower of the two bandwidths
 * that are on the way, alpha the latency inside a node and beta that between nodes:
 *
 *     reduce-scatter, all-gather   ring   (p - m) alpha + (m - 1) beta + (p - 1) / p n / B
 *     all-reduce                   ring   twice that
 *                                  tree   2 ((p / m - 1) alpha + ceil(log2 m) beta) + 2 n / B          the faster is taken
 *
 * docs/clusters.md names the sources. A step is forward, backward, optimizer; gradients leave in buckets, as backward makes them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Bytes a second and seconds. Inside a node: of each GPU; between nodes: of all links of a node together. */
typedef struct lac_links { double intra_bandwidth, inter_bandwidth, intra_latency, inter_latency; int64_t per_node; } lac_links;

/* Seconds on one GPU: of one micro-batch, and of the optimizer. */
typedef struct lac_scaling_step {
    double forward, backward, optimizer;
    int64_t bytes, bucket;                  /* of all gradients, and at most of one bucket */
    int64_t micros;                         /* micro-batches of a step; gradients leave during the last one's backward */
} lac_scaling_step;

double lac_ring_seconds(const lac_links *l, int64_t ranks, double bytes);               /* a reduce-scatter, or an all-gather */
double lac_all_reduce_seconds(const lac_links *l, int64_t ranks, double bytes);

/* overlap: buckets are reduced while backward goes on. zero1: reduce-scatter, an optimizer of 1 / ranks of the time, all-gather, which
 * nothing hides; else all-reduce and a whole optimizer. */
double lac_scaling_seconds(const lac_scaling_step *s, const lac_links *l, int64_t ranks, bool zero1, bool overlap);

/* A step on one GPU over a step on `ranks`, each with as many pictures: 1 is perfect. Above 1 where ZeRO-1 saves more than the links cost. */
double lac_scaling_efficiency(const lac_scaling_step *s, const lac_links *l, int64_t ranks, bool zero1, bool overlap);
