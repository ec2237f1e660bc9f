/* core/image/coarse_mask.h -- an object's mask made coarser, from its outline to its box: the precision levels of SmartBrush (Xie et al. 2022, section 3.2;
 * radius and threshold are our choice, which the paper leaves open). */
#pragma once

#include "core/image/image.h"

/* In place, mask of one channel, 128 and above is object; then 0 or 255. sigma 0: the object; above: where its Gaussian blur, radius ceil(2 sigma), is at
 * least half of its maximum; below: its filled bounding box. An empty mask stays empty. */
lac_status lac_mask_coarsen(lac_image *mask, double sigma);
