/* core/clock.h -- one clock that only goes forward. */
#pragma once

double lac_seconds(void);       /* since some moment; not a date */
