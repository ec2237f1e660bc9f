/* CAT-Diffusion from picture to picture, as PyTorch, diffusers, transformers and Pillow make it of the same networks (tests/golden/catdiff_painted.py). */
#include "tests/harness/painted.h"
#include "tests/harness/test.h"

LAC_TEST(pictures_are_those_of_the_published_parts_put_together) { lac_test_painted("catdiff", 5, 0.005); }      /* PyTorch in f32: 0 to 0.002 */
