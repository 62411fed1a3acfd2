/* Arithmetic on vectors: finishing, comparing. */
#include "base/centre.h"
#include "quern.h"

#include <math.h>

/* The sum runs in double precision and in the order of the dimensions, and each number is rounded once. */
void quern_centre(const float *vector, int dimensions, float *out)
{
    quern_centre_row(vector, dimensions, dimensions, out);
}

void quern_finish(const float *vector, int dimensions, unsigned flags, float *out)
{
    double factor = 1;
    if ((flags & QUERN_NO_NORMALIZE) == 0) {
        const double length = sqrt(quern_dot(vector, vector, dimensions));
        factor = 1 / (length > 1e-12 ? length : 1e-12);
    }
    for (int i = 0; i < dimensions; i++)
        out[i] = (float)(vector[i] * factor);
}

double quern_dot(const float *a, const float *b, int dimensions)
{
    double sum = 0;
    for (int i = 0; i < dimensions; i++)
        sum += (double)a[i] * b[i];
    return sum;
}

double quern_cosine(const float *a, const float *b, int dimensions)
{
    const double squares = quern_dot(a, a, dimensions) * quern_dot(b, b, dimensions);
    return squares > 0 ? quern_dot(a, b, dimensions) / sqrt(squares) : 0;
}
