/* tests/harness/painted.h -- an inpainter from picture to picture against tests/golden/FOLDER: model.safetensors, cases.json, and pictures.safetensors with
 * "CASE.image", ".mask" and ".result". */
#pragma once

/* So many cases; at most `share` of a picture's bytes may be another, and none more than one grey level off. */
void lac_test_painted(const char *folder, int cases, double share);
