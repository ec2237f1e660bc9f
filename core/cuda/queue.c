#include "core/cuda/queue.h"

#include "core/cuda/device.h"

#include <nvtx3/nvToolsExt.h>

/* A graph is an executable one; a mark is an event. */
static cudaGraphExec_t exec_of(lac_graph *g) { return (cudaGraphExec_t)(void *)g; }
static cudaEvent_t event_of(lac_mark *m) { return (cudaEvent_t)(void *)m; }

static cudaStream_t uploads;
static cudaEvent_t arrived, taken;          /* the last upload; the last take */

static lac_status new_event(cudaEvent_t *e, unsigned flags)
{
    LAC_CUDA_TRY(cudaEventCreateWithFlags(e, flags | cudaEventBlockingSync), "making an event");
    return LAC_OK;
}

static lac_status pin(void **p, size_t size)
{
    *p = NULL;
    LAC_CUDA_TRY(cudaHostAlloc(p, LAC_MAX(size, 1), cudaHostAllocDefault), "pinning %zu bytes of host memory", size);
    return LAC_OK;
}

static void unpin(void *p, size_t size)
{
    (void)size;
    if (p != NULL)
        cudaFreeHost(p);
}

static lac_status mark(lac_mark **m)
{
    cudaEvent_t e = event_of(*m);
    if (e == NULL)
        LAC_TRY(new_event(&e, 0));              /* with its time */
    *m = (lac_mark *)(void *)e;
    LAC_CUDA_TRY(cudaEventRecord(e, lac_cuda_stream()), "recording an event");
    return LAC_OK;
}

static lac_status wait(lac_mark *m)
{
    LAC_CUDA_TRY(cudaEventSynchronize(event_of(m)), "waiting for the device");
    return LAC_OK;
}

static lac_status elapsed(lac_mark *from, lac_mark *to, double *seconds)
{
    float ms = 0;
    LAC_CUDA_TRY(cudaEventElapsedTime(&ms, event_of(from), event_of(to)), "reading the device's clock");
    *seconds = 1e-3 * (double)ms;
    return LAC_OK;
}

static void unmark(lac_mark *m)
{
    if (m != NULL)
        cudaEventDestroy(event_of(m));
}

static lac_status prepare_uploads(void)
{
    if (uploads != NULL)
        return LAC_OK;
    LAC_TRY(new_event(&arrived, cudaEventDisableTiming));
    LAC_TRY(new_event(&taken, cudaEventDisableTiming));
    LAC_CUDA_TRY(cudaStreamCreateWithFlags(&uploads, cudaStreamNonBlocking), "making a stream for uploads");
    return LAC_OK;
}

/* An event that was never recorded holds nobody up. */
static lac_status upload(void *to, const void *from, size_t size)
{
    LAC_TRY(prepare_uploads());
    LAC_CUDA_TRY(cudaStreamWaitEvent(uploads, taken, 0), "ordering an upload");
    LAC_CUDA_TRY(cudaMemcpyAsync(to, from, size, cudaMemcpyHostToDevice, uploads), "uploading %zu bytes", size);
    LAC_CUDA_TRY(cudaEventRecord(arrived, uploads), "recording an upload");
    return LAC_OK;
}

static lac_status take(void *to, const void *from, size_t size)
{
    const cudaStream_t stream = lac_cuda_stream();
    LAC_TRY(prepare_uploads());
    LAC_CUDA_TRY(cudaStreamWaitEvent(stream, arrived, 0), "waiting for an upload");
    LAC_CUDA_TRY(cudaMemcpyAsync(to, from, size, cudaMemcpyDeviceToDevice, stream), "taking %zu uploaded bytes", size);
    LAC_CUDA_TRY(cudaEventRecord(taken, stream), "recording an upload's end");
    return LAC_OK;
}

static lac_status begin(void)
{
    LAC_CUDA_TRY(cudaStreamBeginCapture(lac_cuda_stream(), cudaStreamCaptureModeThreadLocal), "beginning a capture");
    lac_cuda_set_capturing(true);
    return LAC_OK;
}

/* The stream leaves its capture whatever the outcome. */
static lac_status end(lac_graph **g)
{
    cudaGraph_t graph = NULL;
    cudaGraphExec_t exec = NULL;
    size_t nodes = 0;
    lac_cuda_set_capturing(false);
    cudaError_t e = cudaStreamEndCapture(lac_cuda_stream(), &graph);
    if (g != NULL && e == cudaSuccess) {
        cudaGraphGetNodes(graph, NULL, &nodes);
        e = cudaGraphInstantiateWithFlags(&exec, graph, 0);
    }
    if (graph != NULL)
        cudaGraphDestroy(graph);
    if (g == NULL) {
        cudaGetLastError();
        return LAC_OK;
    }
    *g = (lac_graph *)(void *)exec;
    return lac_cuda_status(e, "capturing work of %zu calls", nodes);
}

static lac_status replay(lac_graph *g)
{
    LAC_CUDA_TRY(cudaGraphLaunch(exec_of(g), lac_cuda_stream()), "replaying captured work");
    return LAC_OK;
}

static void drop(lac_graph *g)
{
    if (g != NULL)
        cudaGraphExecDestroy(exec_of(g));
}

static void range_open(const char *name) { nvtxRangePushA(name); }
static void range_close(void) { nvtxRangePop(); }

const lac_queue lac_cuda_queue = {
    .pin = pin, .unpin = unpin, .mark = mark, .wait = wait, .unmark = unmark, .elapsed = elapsed, .finish = lac_cuda_wait, .upload = upload, .take = take,
    .begin = begin, .end = end, .replay = replay, .drop = drop, .open_range = range_open, .close_range = range_close,
};
