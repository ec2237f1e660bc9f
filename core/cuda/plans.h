/* core/cuda/plans.h -- choices that were timed once: which plan serves which call on this device with these libraries.
 *
 * One file per device and library versions, $XDG_CACHE_HOME/lacuna/plans/NAME.json (or below ~/.cache; $LACUNA_PLANS names a folder of
 * its own), read when the first choice is asked for and written after each new one. It is a cache: a file that cannot be read or
 * written is done without. A run keeps its own copy (lac_cuda_plans_write), and reads it when it is resumed (lac_cuda_plans_read). */
#pragma once

#include "core/status.h"

#include <stddef.h>

enum { LAC_CUDA_PLAN_KEY = 256, LAC_CUDA_PLAN_TEXT = 320 };

/* The choice kept for a call, or NULL. Valid until the next call of this file's functions. */
const char *lac_cuda_plan_find(const char *key);

/* Keeps a choice with the time it took, in memory and in the file. */
lac_status lac_cuda_plan_keep(const char *key, const char *text, double microseconds);

/* Code that a library compiled for a call's choice, as text: a file of its own in a folder beside the cache's file. _code gives what was kept, to be
 * freed, or NULL. Nowhere to write is no failure. */
char *lac_cuda_plan_code(const char *key, const char *text);
void lac_cuda_plan_keep_code(const char *key, const char *text, const char *code);

/* All choices in use into a file of one's own; and from one, over what is known. A file of another device or other libraries is
 * refused with LAC_ERR_STATE, naming both. */
lac_status lac_cuda_plans_write(const char *path);
lac_status lac_cuda_plans_read(const char *path);

/* Device and library versions, "NVIDIA H100 80GB HBM3, cuBLASLt 13.0.2, cuDNN 9.19.0": what a plan file is for. */
const char *lac_cuda_plans_owner(void);

/* Forgets everything in memory, and takes `owner` for the device (NULL: ask again). For tests. */
void lac_cuda_plans_clear(const char *owner);
