/* Subtracts the mean of numbers from each of them. */
#ifndef QUERN_BASE_CENTRE_H
#define QUERN_BASE_CENTRE_H

/* out[i] = in[i] - mean of in[count], for i < wanted; wanted <= count. out may be in. Summed in double precision, in
 * one order. */
static inline void quern_centre_row(const float *in, int count, int wanted, float *out)
{
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += in[i];
    for (int i = 0; i < wanted; i++)
        out[i] = (float)(in[i] - sum / count);
}

#endif
