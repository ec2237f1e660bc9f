/* data/scene/words.h -- names of what is in a scene.
 *
 * A label is [metal | striped | checked] COLOUR SHAPE: "red cube", "striped blue ring"; matte and glossy have no word. Colour and shape together are an identity:
 * of a scene's solids no two share one, and for each colour one shape is held out, which only scenes of unseen things have. */
#pragma once

#include "data/scene/scene.h"

enum { LAC_SCENE_COLOURS = 8 };

/* Linear light: the square of the displayed one. */
lac_vec3 lac_scene_colour(int colour);
/* The colour of the other stripes or checks. */
lac_vec3 lac_scene_second_colour(int colour);
bool lac_scene_held_out(int colour, lac_solid_shape shape);

enum { LAC_SCENE_LABEL = 48, LAC_SCENE_CAPTION = 512 };
void lac_scene_label(const lac_solid *s, char label[LAC_SCENE_LABEL]);
/* "red cube and striped blue ring" */
void lac_scene_names(const lac_scene *s, char text[LAC_SCENE_CAPTION]);
/* "a small red cube left of a large striped blue ring on a wooden floor": of two at most */
void lac_scene_sentence(const lac_scene *s, char text[LAC_SCENE_CAPTION]);

typedef enum { LAC_LEFT_OF, LAC_RIGHT_OF, LAC_IN_FRONT_OF, LAC_BEHIND, LAC_RELATIONS } lac_relation;
const char *lac_scene_relation_name(lac_relation r);
/* As the camera sees where they stand: by at least 0.4, along its right or ahead. */
bool lac_scene_related(const lac_scene *s, int subject, int object, lac_relation r);
