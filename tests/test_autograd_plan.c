/* Packing against a check of every pair, and regions that leave their plan. */
#include "autograd/ops/activation/activation.h"
#include "autograd/ops/backend_cpu.h"
#include "autograd/plan.h"
#include "autograd/tape.h"
#include "core/memory.h"
#include "core/philox.h"
#include "tests/harness/test.h"

#include <stdlib.h>

static bool overlap(const lac_slot *a, const lac_slot *b)
{
    return a->birth <= b->death && b->birth <= a->death && a->offset < b->offset + b->size && b->offset < a->offset + a->size;
}

/* The largest sum of sizes alive at one tick, by looking at every tick. */
static size_t bound(const lac_plan *p, int64_t ticks)
{
    size_t most = 0;
    for (int64_t t = 0; t < ticks; t++) {
        size_t live = 0;
        for (int64_t i = 0; i < p->n; i++)
            live += p->slot[i].birth <= t && t <= p->slot[i].death ? p->slot[i].size : 0;
        most = LAC_MAX(most, live);
    }
    return most;
}

static void check_plan(const lac_plan *p, int64_t ticks)
{
    size_t end = 0;
    for (int64_t i = 0; i < p->n; i++) {
        LAC_CHECK(p->slot[i].offset % LAC_PLAN_ALIGN == 0 && p->slot[i].size % LAC_PLAN_ALIGN == 0);
        end = LAC_MAX(end, p->slot[i].offset + p->slot[i].size);
        for (int64_t k = 0; k < i; k++)
            LAC_CHECK(!overlap(&p->slot[i], &p->slot[k]));
    }
    LAC_CHECK(p->packed && p->total == end);
    LAC_CHECK(p->lower_bound == bound(p, ticks) && p->total >= p->lower_bound);
}

LAC_TEST(no_two_live_slots_overlap)
{
    enum { TICKS = 60 };
    lac_plan p = { 0 };
    lac_stream s = lac_stream_at(1, lac_purpose("plan test"), 0, 0);
    for (int round = 0; round < 200; round++) {
        const int64_t n = lac_stream_below(&s, 80);
        lac_plan_clear(&p);
        for (int64_t i = 0; i < n; i++) {
            const int64_t birth = lac_stream_below(&s, TICKS);
            LAC_CHECK_STATUS(lac_plan_add(&p, lac_stream_below(&s, round % 2 ? 1000000 : 900), 0, birth, "x"));
            p.slot[i].death = birth + lac_stream_below(&s, (uint32_t)(TICKS - birth));
        }
        LAC_CHECK_STATUS(lac_plan_pack(&p));
        check_plan(&p, TICKS);
    }
    lac_plan_free(&p);
}

LAC_TEST(a_chain_needs_no_more_than_two_neighbours)
{
    lac_plan p = { 0 };
    for (int64_t i = 0; i < 50; i++) {
        LAC_CHECK_STATUS(lac_plan_add(&p, 4096, 0, i, "x"));
        p.slot[i].death = i + 1;
    }
    LAC_CHECK_STATUS(lac_plan_pack(&p));
    LAC_CHECK(p.total == 8192 && p.lower_bound == 8192);
    lac_plan_free(&p);
}

typedef enum { AS_PLANNED, OTHER_OP, OTHER_SIZE, ONE_MORE, ONE_LESS, LATE_READER } way;

/* Three tensors one after another; the first dies early. `how` says what differs. */
static void body(lac_tape *t, way how)
{
    lac_tensor *x = lac_tape_tensor(t, LAC_F32, 1, (int64_t[]){ how == OTHER_SIZE ? 1000 : 100 });
    if (!lac_tape_planning(t) && x != NULL)
        memset(x->data, 0, lac_bytes(x));
    lac_tape_enter(t, "net");
    lac_tape_enter(t, "layer");
    lac_tensor *y = lac_activation(t, x, LAC_ACT_ELU);
    lac_tape_leave(t);
    lac_tensor *z = how == OTHER_OP ? lac_tape_tensor(t, LAC_F32, 1, (int64_t[]){ 100 }) : lac_activation(t, y, LAC_ACT_ELU);
    if (how != ONE_LESS)
        lac_activation(t, how == LATE_READER ? x : z, LAC_ACT_RELU);
    if (how == ONE_MORE)
        lac_activation(t, z, LAC_ACT_RELU);
    lac_tape_leave(t);
}

static lac_tape *new_tape(void)
{
    lac_tape *t;
    const lac_backend *b;
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&b, "cpu"));
    LAC_CHECK_STATUS(lac_tape_new(&t, b));
    lac_tape_guard(t, false);               /* sizes are those without a debug build's lines behind each allocation */
    return t;
}

static lac_status go(lac_tape *t, bool plan, way how)
{
    LAC_CHECK_STATUS(lac_tape_begin(t, "walk", plan));
    body(t, how);
    return lac_tape_end(t);
}

LAC_TEST(a_run_that_differs_from_its_plan_is_an_error)
{
    lac_tape *t = new_tape();
    LAC_CHECK_STATUS(go(t, true, AS_PLANNED));
    LAC_CHECK_STATUS(go(t, false, AS_PLANNED));
    LAC_CHECK_FAILS(go(t, false, OTHER_OP), LAC_ERR_STATE, "/net: region 'walk' left its plan: allocation 2 is 400 bytes for tensor, planned were 400 for activation");
    LAC_CHECK_FAILS(go(t, false, OTHER_SIZE), LAC_ERR_STATE, "4000 bytes for tensor, planned were 400 for tensor");
    LAC_CHECK_FAILS(go(t, false, ONE_MORE), LAC_ERR_STATE, "for activation, planned were 0 for nothing");
    LAC_CHECK_FAILS(go(t, false, ONE_LESS), LAC_ERR_STATE, "made 3 allocations, its plan has 4");
    LAC_CHECK_FAILS(go(t, false, LATE_READER), LAC_ERR_STATE, "what tensor made is read after its last planned reader");
    LAC_CHECK_STATUS(go(t, false, AS_PLANNED));
    lac_tape_free(t);
}

LAC_TEST(regions_are_planned_first_and_do_not_nest)
{
    lac_tape *t = new_tape();
    lac_plan_stats stats;
    LAC_CHECK_FAILS(lac_tape_begin(t, "walk", false), LAC_ERR_STATE, "'walk' runs before it was planned");
    LAC_CHECK_FAILS(lac_tape_end(t), LAC_ERR_STATE, "never began");
    LAC_CHECK_FAILS(lac_tape_plan_stats(t, "walk", &stats), LAC_ERR_STATE, "'walk' has no plan");
    LAC_CHECK_STATUS(lac_tape_begin(t, "walk", true));
    LAC_CHECK_FAILS(lac_tape_begin(t, "other", true), LAC_ERR_STATE, "'other' begins inside region 'walk'");
    body(t, AS_PLANNED);
    LAC_CHECK_STATUS(lac_tape_end(t));
    LAC_CHECK(lac_tape_planned(t, "walk") && !lac_tape_planned(t, "other"));
    LAC_CHECK_STATUS(lac_tape_plan_stats(t, "walk", &stats));
    LAC_CHECK(stats.peak_bytes == 1024 && stats.lower_bound_bytes == 1024 && stats.launches == 3);
    LAC_CHECK(lac_tape_tensor(t, LAC_F32, 0, NULL) == NULL);
    LAC_CHECK_FAILS(lac_tape_status(t), LAC_ERR_STATE, "outside a region");
    lac_tape_free(t);
}
