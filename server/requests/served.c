#include "served.h"

#include "steps/server_clock.h"

#include <time.h>

int64_t quern_served_expiry(const struct quern_served *served)
{
    const int64_t left = (served->expires_ns - quern_clock_ns()) / 1000000000;
    return served->expires_ns == INT64_MAX ? INT64_MAX : (int64_t)time(NULL) + (left > 0 ? left : 0);
}

uint64_t quern_served_bytes(const struct quern_served *served)
{
    return served->info.packed_bytes + served->info.vocabulary_bytes;
}
