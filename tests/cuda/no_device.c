/* core/cuda/device.h where no device is wanted: these tests plan for one that is described. */
#include "core/cuda/device.h"

lac_status lac_cuda_start(void) { return LAC_FAIL(LAC_ERR_STATE, "no device in these tests"); }
cudaStream_t lac_cuda_stream(void) { return NULL; }
const char *lac_cuda_device_name(void) { return ""; }
