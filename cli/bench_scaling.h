/* cli/bench_scaling.h -- `lacuna bench scaling`: the estimate of core/comm/scaling.h as a table. Whatever it shows is called an estimate. */
#pragma once

#include "core/status.h"

#include <stdio.h>

typedef struct lac_scaling_options {
    double step_ms;                                     /* 0: to be measured */
    double backward, optimizer;                         /* shares of it */
    double bucket_mib;                                  /* 0: the config's comm.bucket */
    double intra_gbs, inter_gbs, intra_us, inter_us;
    int64_t per_node, micros;
} lac_scaling_options;

/* A node of eight H100 as their maker describes it (450 GB/s each way and GPU by NVLink, eight links of 400 Gbit/s out), latencies as NCCL's own
 * tuning table has them for rings. */
extern const lac_scaling_options lac_scaling_defaults;

/* The rows of these options, for a command's table. */
#define LAC_SCALING_OPTIONS(o) \
    { "step-ms", 0, "MS", LAC_OPTION_NUMBER, &(o).step_ms, "time of a step on one GPU, instead of measuring it here (scaling, as all below)" }, \
    { "backward", 0, "SHARE", LAC_OPTION_NUMBER, &(o).backward, "with --step-ms: how much of it is backward (0.6)" }, \
    { "optimizer", 0, "SHARE", LAC_OPTION_NUMBER, &(o).optimizer, "with --step-ms: how much of it is the optimizer (0.03)" }, \
    { "bucket", 0, "MIB", LAC_OPTION_NUMBER, &(o).bucket_mib, "gradients that are reduced at once, instead of the config's comm.bucket" }, \
    { "micros", 0, "N", LAC_OPTION_INT, &(o).micros, "micro-batches of a step, in the columns with accumulation (4)" }, \
    { "per-node", 0, "N", LAC_OPTION_INT, &(o).per_node, "GPUs of a node (8)" }, \
    { "intra-gbs", 0, "X", LAC_OPTION_NUMBER, &(o).intra_gbs, "GB/s of a GPU inside a node, one way (450)" }, \
    { "inter-gbs", 0, "X", LAC_OPTION_NUMBER, &(o).inter_gbs, "GB/s of a node to others, one way, all links together (400)" }, \
    { "intra-us", 0, "X", LAC_OPTION_NUMBER, &(o).intra_us, "microseconds of a message inside a node (3.4)" }, \
    { "inter-us", 0, "X", LAC_OPTION_NUMBER, &(o).inter_us, "microseconds of a message between nodes (9.6)" }

lac_status lac_scaling_check(const lac_scaling_options *o);     /* LAC_ERR_ARG */

/* name of the config; how: where the step's time is from; pictures a step on each GPU; parameters that are trained, of f32 gradients. */
void lac_scaling_print(FILE *to, const lac_scaling_options *o, const char *name, const char *how, int64_t pictures, int64_t parameters);
