/* data/scene/ground.h -- what solids stand on and before: a floor with a pattern, and a wall or the open sky behind it. Colours are linear light. */
#pragma once

#include "data/scene/vector.h"

typedef enum { LAC_FLOOR_PLAIN, LAC_FLOOR_CHECKED, LAC_FLOOR_STRIPED, LAC_FLOOR_TILED, LAC_FLOOR_SPECKLED, LAC_FLOOR_WOODEN, LAC_FLOORS } lac_floor;

enum { LAC_GROUND_LATTICE = 32 };

typedef struct lac_ground {
    lac_floor floor;
    lac_vec3 colour[2];                 /* the pattern goes from one to the other */
    float cosine, sine, period;         /* its turn about z; a pattern's length on the floor */
    float wall;                         /* y of a wall; 0: none, the sky is seen */
    lac_vec3 horizon, zenith;           /* the sky's, or the wall's foot and height */
    float lattice[LAC_GROUND_LATTICE][LAC_GROUND_LATTICE];      /* [0, 1): noise at whole numbers, repeated */
} lac_ground;

/* What the floor reflects at (x, y). `share` fades the pattern to the mean of its colours: 1 all of it, 0 none. */
lac_vec3 lac_ground_floor(const lac_ground *g, float x, float y, float share);
/* The light from a direction (unit) that meets neither floor nor wall: horizon + (zenith - horizon) min(1, 2.5 z), z at least 0. */
lac_vec3 lac_ground_sky(const lac_ground *g, lac_vec3 along);
/* What the wall reflects at height z: horizon + (zenith - horizon) min(1, z / 6). */
lac_vec3 lac_ground_wall(const lac_ground *g, float z);
