/* tests/harness/sampler.h -- the smallest inpainter that samples: a network of one convolution, twenty steps, each a region of the tape
 * that draws noise of its own, and a prompt whose length pulls the colours. No use but to show that an inpainter may be so. */
#pragma once

#include "models/inpainter.h"

enum { LAC_TEST_STEPS = 20 };

extern const lac_inpainter_def lac_test_sampler;        /* "sampler"; no keys; one weight, drawn by lac_params_init */
lac_status lac_test_sampler_register(void);             /* so that files and command lines may name it, and its network */
extern int lac_test_sampler_open;                       /* how many models are open: close is called for each */
