/* tests/harness/objects.h -- a small set of photographs and cut-out objects, as `pack stamps` makes it; parts of any set. */
#pragma once

#include "data/set.h"

/* Of train two photographs (groups 5, 6) and the objects "disc", "red disc" and "ball"; of val (7) and test_far (8) a photograph, of test the
 * object "moon"; nothing of test_near. */
void lac_test_objects(const char *path);

/* Part i of a set, decoded. */
lac_image lac_test_part(const lac_set *set, int64_t i, int channels);
