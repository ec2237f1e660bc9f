/* data/scene/solid.h -- a solid that stands on the ground z = 0, and where a ray meets it.
 *
 * In its own frame (foot at the origin, z up, turned about z, in units of its size) a solid is
 *
 *     sphere      radius 1, middle at z = 1
 *     cube        |x|, |y| <= 0.78, 0 <= z <= 1.56
 *     cylinder    radius 0.72, 0 <= z <= 1.6
 *     cone        radius 0.9 at z = 0, tip at z = 1.9
 *     ring        torus of radii 0.72 and 0.28: standing, its axis along y, or lying, its axis along z
 *
 * Quadrics are solved, the torus is marched to by its distance. A solid's underside is never seen and has no surface. */
#pragma once

#include "data/scene/vector.h"

#include <stdbool.h>

typedef enum { LAC_SOLID_SPHERE, LAC_SOLID_CUBE, LAC_SOLID_CYLINDER, LAC_SOLID_CONE, LAC_SOLID_RING, LAC_SOLID_SHAPES } lac_solid_shape;
typedef enum { LAC_FINISH_MATTE, LAC_FINISH_GLOSSY, LAC_FINISH_METAL, LAC_FINISH_STRIPED, LAC_FINISH_CHECKED, LAC_FINISHES } lac_finish;

typedef struct lac_solid {
    lac_solid_shape shape;
    lac_finish finish;
    int colour;                     /* data/scene/words.h names them */
    float x, y, size;               /* where it stands */
    float cosine, sine;             /* of its turn about z */
    bool lying;                     /* a ring alone */
} lac_solid;

typedef struct lac_ray { lac_vec3 from, along; } lac_ray;               /* along is a unit vector */
typedef struct lac_hit { float t; lac_vec3 normal, own; } lac_hit;      /* distance; outward; the place in the solid's frame, z from its middle */

/* The nearest meeting ahead, nearer than `before`. */
bool lac_solid_hit(const lac_solid *s, const lac_ray *ray, float before, lac_hit *hit);

/* A ball that holds the solid, in its own frame: middle at (0, 0, height). `foot` is the radius of the circle on the ground that holds what is above it. */
typedef struct lac_solid_room { float height, radius, foot; } lac_solid_room;
lac_solid_room lac_solid_room_of(const lac_solid *s);
