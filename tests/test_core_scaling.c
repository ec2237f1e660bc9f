/* The scaling estimate against values worked out by hand from the formulas of docs/clusters.md. */
#include "core/comm/scaling.h"
#include "tests/harness/test.h"

#include <math.h>

/* 100 GB/s and 10 us inside a node of 8, 50 GB/s and 20 us between nodes. */
static const lac_links links = { 100e9, 50e9, 10e-6, 20e-6, 8 };
static const lac_scaling_step step = { .forward = 10e-3, .backward = 20e-3, .optimizer = 2e-3, .bytes = 80000000, .bucket = 80000000, .micros = 1 };

static bool near(double x, double expected) { return fabs(x - expected) <= 1e-12 * expected; }       /* a few roundings in double */

LAC_TEST(one_rank_waits_for_nobody)
{
    LAC_CHECK(lac_ring_seconds(&links, 1, 1e9) == 0 && lac_all_reduce_seconds(&links, 1, 1e9) == 0);
    LAC_CHECK(near(lac_scaling_seconds(&step, &links, 1, false, true), 32e-3));
    LAC_CHECK(lac_scaling_efficiency(&step, &links, 1, false, false) == 1);
}

/* 8 ranks, 80 MB: a ring has 7 steps of 10 us and 10 MB at 100 GB/s, 100 us each. */
LAC_TEST(a_ring_inside_a_node)
{
    LAC_CHECK(near(lac_ring_seconds(&links, 8, 80e6), 7 * 110e-6));
    LAC_CHECK(near(lac_all_reduce_seconds(&links, 8, 80e6), 1540e-6));       /* the tree: 2 (7 x 10 us) + 2 x 800 us = 1740 us */
}

/* 16 ranks on 2 nodes: 14 steps inside, 1 between, 15 / 16 of 80 MB at 50 GB/s. For 8 kB the tree's 8 messages each way beat the ring's 15. */
LAC_TEST(rings_and_trees_between_nodes)
{
    LAC_CHECK(near(lac_ring_seconds(&links, 16, 80e6), 140e-6 + 20e-6 + 1500e-6));
    LAC_CHECK(near(lac_all_reduce_seconds(&links, 16, 80e6), 3320e-6));      /* the tree: 2 (70 + 20) us + 3200 us = 3380 us */
    LAC_CHECK(near(lac_all_reduce_seconds(&links, 16, 8e3), 180e-6 + 0.32e-6));
    LAC_CHECK(near(lac_all_reduce_seconds(&links, 1024, 8e3), 2 * (70e-6 + 7 * 20e-6) + 0.32e-6));       /* 128 nodes: seven levels */
}

LAC_TEST(one_gpu_a_node_uses_the_links_between_nodes_alone)
{
    const lac_links slow_inside = { 1e9, 50e9, 1, 20e-6, 1 };
    LAC_CHECK(near(lac_ring_seconds(&slow_inside, 4, 80e6), 3 * (20e-6 + 400e-6)));
}

LAC_TEST(a_step_in_one_bucket)
{
    LAC_CHECK(near(lac_scaling_efficiency(&step, &links, 8, false, false), 32 / (32 + 1.54)));
    LAC_CHECK(near(lac_scaling_efficiency(&step, &links, 8, false, true), 32 / (32 + 1.54)));       /* it is whole when backward ends */
    LAC_CHECK(near(lac_scaling_efficiency(&step, &links, 8, true, false), 32 / (30 + 2.0 / 8 + 2 * 0.77)));
}

/* Four buckets of 20 MB take 14 (10 + 25) = 490 us each. Backward of 20 ms hides three of them; one of 0.4 ms ends when the first has
 * hardly left: 0.1 + 4 x 0.49 - 0.4 ms remain. */
LAC_TEST(buckets_hide_behind_backward)
{
    lac_scaling_step s = step;
    s.bucket = 20000000;
    LAC_CHECK(near(lac_scaling_seconds(&s, &links, 8, false, true), 32.49e-3));
    LAC_CHECK(near(lac_scaling_seconds(&s, &links, 8, false, false), 33.96e-3));
    LAC_CHECK(near(lac_scaling_seconds(&s, &links, 8, true, true), 30e-3 + 0.245e-3 + 0.25e-3 + 0.77e-3));
    s.bucket = 79999999;                    /* two, equal ones */
    LAC_CHECK(near(lac_scaling_seconds(&s, &links, 8, false, true), 32e-3 + 14 * 60e-6));
    s.bucket = 20000000;
    s.backward = 0.4e-3;
    LAC_CHECK(near(lac_scaling_seconds(&s, &links, 8, false, true), 12.4e-3 + 1.66e-3));
}

LAC_TEST(accumulation_spreads_the_reduction_over_more_pictures)
{
    lac_scaling_step s = step;
    s.micros = 4;
    LAC_CHECK(near(lac_scaling_efficiency(&s, &links, 8, false, false), 122 / (122 + 1.54)));
}
