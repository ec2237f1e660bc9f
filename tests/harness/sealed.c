#include "tests/harness/sealed.h"

#include "autograd/op.h"
#include "autograd/ops/ops.h"
#include "core/comm/lane.h"
#include "core/queue.h"
#include "core/update.h"
#include "tests/harness/device.h"
#include "tests/harness/test.h"

#include <sys/mman.h>

lac_status lac_cuda_lane(lac_lane **l, lac_comm *c);

enum { MAX_BLOCKS = 64, PAGE = 4096 };

static struct { void *p; size_t size; } block[MAX_BLOCKS];
static const lac_backend *inner;
static int at_work;                             /* a kernel may call the backend */

static void set_access(int access)
{
    for (int i = 0; i < MAX_BLOCKS; i++)
        if (block[i].p != NULL)
            LAC_CHECK(mprotect(block[i].p, block[i].size, access) == 0);
}

static void unseal(void)
{
    if (at_work++ == 0)
        set_access(PROT_READ | PROT_WRITE);
}

static lac_status seal(lac_status s)
{
    if (--at_work == 0)
        set_access(PROT_NONE);
    return s;
}

static lac_status sealed_alloc(void **p, size_t size)
{
    int i = 0;
    while (i < MAX_BLOCKS && block[i].p != NULL)
        i++;
    LAC_CHECK(i < MAX_BLOCKS && at_work == 0);
    LAC_TRY(inner->alloc(p, size));
    block[i].p = *p;
    block[i].size = (size + PAGE - 1) / PAGE * PAGE;
    LAC_CHECK(mprotect(*p, block[i].size, PROT_NONE) == 0);
    return LAC_OK;
}

static void sealed_free(void *p, size_t size)
{
    for (int i = 0; i < MAX_BLOCKS; i++)
        if (block[i].p == p) {
            unseal();
            block[i].p = NULL;
            inner->free(p, size);
            seal(LAC_OK);
            return;
        }
    fail_msg("a block is freed that was not allocated");
}

static lac_status forward(const lac_op_ctx *c) { return unseal(), seal(inner->kernels[c->op].forward(c)); }
static lac_status backward(const lac_op_ctx *c) { return unseal(), seal(inner->kernels[c->op].backward(c)); }
static lac_status workspace(const lac_op_ctx *c, size_t *size)
{
    return inner->kernels[c->op].workspace == NULL ? LAC_OK : inner->kernels[c->op].workspace(c, size);
}
static lac_status copy(void *to, const void *from, size_t n) { return unseal(), seal(inner->copy(to, from, n)); }
static lac_status fill_zero(void *to, size_t n) { return unseal(), seal(inner->fill_zero(to, n)); }
static lac_status add(lac_tensor *to, const lac_tensor *x) { return unseal(), seal(inner->add(to, x)); }
static lac_status convert(lac_tensor *to, const lac_tensor *from) { return unseal(), seal(inner->convert(to, from)); }
static lac_status update(const lac_update *u) { return unseal(), seal(inner->update(u)); }
static lac_status all_finite(const void *x, lac_dtype d, int64_t n, bool *yes) { return unseal(), seal(inner->all_finite(x, d, n, yes)); }
static lac_status copy_unless(float *to, const float *from, int64_t n, const uint32_t *u) { return unseal(), seal(inner->copy_unless(to, from, n, u)); }
static void forget(uint64_t uid) { inner->forget(uid); }

/* Of the queue all that may do work. */
static void unpin(void *p, size_t n) { unseal(), inner->queue->unpin(p, n), seal(LAC_OK); }
static lac_status wait_for(lac_mark *m) { return unseal(), seal(inner->queue->wait(m)); }
static lac_status finish(void) { return unseal(), seal(inner->queue->finish()); }
static lac_status take(void *to, const void *from, size_t n) { return unseal(), seal(inner->queue->take(to, from, n)); }
static lac_status replay(lac_graph *g) { return unseal(), seal(inner->queue->replay(g)); }

/* Collectives are work too (harness/nccl). */
static lac_lane beneath;
static lac_status all_reduce(lac_lane *l, void *x, lac_dtype d, int64_t n) { return unseal(), seal(beneath.all_reduce(l, x, d, n)); }
static lac_status reduce_scatter(lac_lane *l, float *to, const float *from, int64_t n) { return unseal(), seal(beneath.reduce_scatter(l, to, from, n)); }
static lac_status all_gather(lac_lane *l, float *to, const float *from, int64_t n) { return unseal(), seal(beneath.all_gather(l, to, from, n)); }
static lac_status wait_for_lane(lac_lane *l, lac_mark *m) { return (void)m, beneath.wait(l, NULL); }      /* its marks are no events */

static lac_status open_lane(lac_lane **l, lac_comm *c)
{
    LAC_TRY(lac_cuda_lane(l, c));
    beneath = **l;
    (*l)->all_reduce = all_reduce;
    (*l)->reduce_scatter = reduce_scatter;
    (*l)->all_gather = all_gather;
    (*l)->wait = wait_for_lane;
    return LAC_OK;
}

const lac_backend *lac_sealed_device(void)
{
    static lac_kernel kernels[LAC_N_OPS];
    static lac_queue queue;
    static const lac_backend sealed = {
        .name = "sealed", .kernels = kernels, .n_kernels = LAC_N_OPS, .alloc = sealed_alloc, .free = sealed_free, .copy = copy,
        .fill_zero = fill_zero, .add = add, .convert = convert, .update = update, .all_finite = all_finite, .copy_unless = copy_unless,
        .forget = forget, .queue = &queue, .lane = open_lane,
    };
    inner = lac_test_device();
    if (lac_test_on_gpu())
        return inner;
    queue = *inner->queue;
    queue.unpin = unpin;
    queue.wait = wait_for;
    queue.finish = finish;
    queue.take = take;
    queue.replay = replay;
    for (int op = 0; op < LAC_N_OPS; op++)
        kernels[op] = (lac_kernel){ inner->kernels[op].forward ? forward : NULL, inner->kernels[op].backward ? backward : NULL, workspace };
    return &sealed;
}
