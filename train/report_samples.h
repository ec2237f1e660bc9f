/* train/report_samples.h -- the pictures of a run in its report. */
#pragma once

#include "core/status.h"

#include <stdio.h>

/* FOLDER/samples/NAME.png: the last by name whole, up to five earlier ones small, spread over the run; nothing when there are none.
 * Embedded while all together stay below 32 MB, linked beyond. */
lac_status lac_report_print_samples(FILE *f, const char *folder);
