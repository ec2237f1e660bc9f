/* data/scene/vector.h -- three floats: a place, a direction or a colour. */
#pragma once

#include "core/fmath.h"

typedef struct lac_vec3 { float x, y, z; } lac_vec3;

static inline lac_vec3 v_add(lac_vec3 a, lac_vec3 b) { return (lac_vec3){ a.x + b.x, a.y + b.y, a.z + b.z }; }
static inline lac_vec3 v_sub(lac_vec3 a, lac_vec3 b) { return (lac_vec3){ a.x - b.x, a.y - b.y, a.z - b.z }; }
static inline lac_vec3 v_times(lac_vec3 a, lac_vec3 b) { return (lac_vec3){ a.x * b.x, a.y * b.y, a.z * b.z }; }
static inline lac_vec3 v_scaled(lac_vec3 a, float s) { return (lac_vec3){ a.x * s, a.y * s, a.z * s }; }
static inline lac_vec3 v_along(lac_vec3 from, lac_vec3 to, float t) { return v_add(from, v_scaled(to, t)); }
static inline float v_dot(lac_vec3 a, lac_vec3 b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
static inline lac_vec3 v_unit(lac_vec3 a) { return v_scaled(a, 1.0f / lac_sqrt(v_dot(a, a))); }
static inline lac_vec3 v_mix(lac_vec3 a, lac_vec3 b, float share) { return v_along(a, v_sub(b, a), share); }
static inline lac_vec3 v_cross(lac_vec3 a, lac_vec3 b) { return (lac_vec3){ a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x }; }
