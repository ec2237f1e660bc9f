/* eval/resized.h -- pictures of a pair brought to one size before they are measured. */
#pragma once

#include "core/image/image.h"
#include "eval/metric.h"

/* Each to side x side where it is not: pictures by Pillow's bicubic, the mask to the nearest pixel. mask.pixels may be NULL. */
typedef struct lac_resized { lac_image image, reference, mask; } lac_resized;

/* from is borrowed for the call alone. Ends with lac_resized_free, also after an error. */
lac_status lac_resized_new(lac_resized *r, const lac_resized *from, int64_t side);
void lac_resized_free(lac_resized *r);

/* What metrics see of three pictures of one size. */
lac_pair lac_resized_pair(const lac_resized *r);
/* p as three pictures, borrowed. */
lac_resized lac_resized_of(const lac_pair *p);
