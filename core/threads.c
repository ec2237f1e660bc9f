#include "core/threads.h"

#include <omp.h>

static int wanted;

int lac_threads(void) { return wanted ? wanted : omp_get_max_threads(); }

void lac_threads_set(int n)
{
    wanted = n < 1 ? 1 : n;
    omp_set_num_threads(wanted);
}
