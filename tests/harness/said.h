/* tests/harness/said.h -- a small set for recipes of texts: pictures of random bytes, each with a caption and objects, or objects alone. */
#pragma once

enum { LAC_TEST_SAID = 6, LAC_TEST_SAID_SIDE = 16 };        /* pictures; their width */

/* All of split "train". Captions, and labels of the objects: "star", "moon", by turns; so many objects in each, a box of 4 + k by 6 at (2, k) in picture k. */
void lac_test_said(const char *path, int height, int objects);
void lac_test_labelled(const char *path);                   /* one object each, and no captions */
