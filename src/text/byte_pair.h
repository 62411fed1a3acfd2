/* Two bytes that stand side by side as one number, for tables by which a text is gone through quickly. */
#ifndef QUERN_TEXT_BYTE_PAIR_H
#define QUERN_TEXT_BYTE_PAIR_H

#define QUERN_BYTE_PAIRS (256u * 256u)

/* Compilers turn it into one load. */
static inline unsigned quern_byte_pair(const unsigned char *p)
{
    return p[0] | (unsigned)p[1] << 8;
}

#endif
