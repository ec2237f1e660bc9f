/* data/scene/scene.h -- solids on a floor under a light, and the picture that a camera takes of them.
 *
 * A ray goes through each of 4 x 4 places of a pixel, on a grid; pixel (i, j)'s sample (a, b) has u = 2 (j + (a + 1/2) / 4) / size - 1, v = 1 - 2 (i + (b + 1/2) / 4) / size and
 * the direction focal ahead + u right + v up. What it meets first, with normal n and reflecting c, is
 *
 *     c (ambient (0.6 + 0.4 n_z) near + light max(0, n l) seen)             + highlights (glossy, metal)
 *
 * in linear light, where `seen` is 0 when a solid lies between it and its point of the light, which is a disc (16 points, one for each sample; no disc: l itself), and `near` is
 * 1 but on the floor around a solid's foot: prod_k 1 - 0.55 max(0, 1 - d_k^2 / (1.5 foot_k)^2)^2. Metal shows floor and sky, no solid another. A pixel is the mean of its samples,
 * each at most 1, displayed by a square root. A solid's mask is where more than half of the samples meet it first.
 *
 * Without solid k the picture is rendered anew where k was met or in the way of the light; anywhere else it has the same bytes. */
#pragma once

#include "core/image/image.h"
#include "data/scene/ground.h"
#include "data/scene/solid.h"

#include <stdint.h>

enum { LAC_SCENE_SOLIDS = 8, LAC_SCENE_SAMPLES = 4 };

typedef struct lac_camera { lac_vec3 from, right, up, ahead; float focal; } lac_camera;        /* unit vectors; focal: of half a picture's side */

typedef struct lac_scene {
    lac_camera camera;
    lac_ground ground;
    lac_vec3 to_light, light, ambient;      /* a unit vector; colours in linear light */
    float softness;                         /* radius of the light's disc at distance 1 */
    lac_solid solid[LAC_SCENE_SOLIDS];
    int n;
} lac_scene;

/* At (0, -distance, ..) turned towards a point above the origin, looking down by `pitch` of a full turn. */
lac_camera lac_camera_at(float distance, float pitch, float height, float focal);
/* A place by the camera: across and up in half pictures from the middle, and how far ahead. */
lac_vec3 lac_camera_see(const lac_camera *c, lac_vec3 place);

/* RGB of size x size, fresh. mask, without: NULL, or arrays of n fresh pictures, grey of 0 and 255, and RGB. The same bytes at any number of threads. */
lac_status lac_scene_render(const lac_scene *s, int64_t size, lac_image *picture, lac_image *mask, lac_image *without);

typedef struct lac_scene_rule {
    uint64_t seed;
    const char *split;          /* scenes of two splits have nothing in common */
    uint32_t number;
    int least, most;            /* solids, at most LAC_SCENE_SOLIDS */
    bool held_out;              /* solids of the identities held out, and no others; else of all others */
} lac_scene_rule;

/* A scene that depends on the rule alone. Solids stand apart, whole in the picture, and each is seen. */
void lac_scene_draw(lac_scene *s, const lac_scene_rule *rule);
