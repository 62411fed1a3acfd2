#include "base/fold.h"

/* Compilers make one instruction of this. */
static uint64_t read_word(const unsigned char *at)
{
    return at[0] | (uint64_t)at[1] << 8 | (uint64_t)at[2] << 16 | (uint64_t)at[3] << 24 | (uint64_t)at[4] << 32 |
           (uint64_t)at[5] << 40 | (uint64_t)at[6] << 48 | (uint64_t)at[7] << 56;
}

/* Words go in turn to four digests, because each step must wait for the one before it. */
uint64_t quern_digest_bytes(uint64_t digest, const void *data, size_t bytes)
{
    enum { LANES = 4, WORD = 8 };
    const unsigned char *at = data;
    uint64_t lanes[LANES] = {digest, 1, 2, 3};
    unsigned char rest[WORD] = {0};

    for (; bytes >= LANES * WORD; bytes -= LANES * WORD, at += LANES * WORD)
        for (int lane = 0; lane < LANES; lane++)
            lanes[lane] = quern_digest_number(lanes[lane], read_word(at + lane * WORD));
    for (int lane = 1; lane < LANES; lane++)
        lanes[0] = quern_digest_number(lanes[0], lanes[lane]);
    for (; bytes >= WORD; bytes -= WORD, at += WORD)
        lanes[0] = quern_digest_number(lanes[0], read_word(at));
    if (bytes > 0)
        memcpy(rest, at, bytes);
    return bytes > 0 ? quern_digest_number(lanes[0], read_word(rest)) : lanes[0];
}
