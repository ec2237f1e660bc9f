#include "models/diffusion/variance.h"

#include <math.h>

lac_variance_range lac_variance_range_of(double now, double then)
{
    const double beta = 1 - now / then;
    return (lac_variance_range){ log(fmax(beta * (1 - then) / (1 - now), 1e-20)), log(fmax(beta, 1e-20)) };
}
