/* Requests that a server is to refuse, made from good ones. The same seed gives the same request. */
#ifndef QUERN_WIRE_MUTATIONS_H
#define QUERN_WIRE_MUTATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct quern_mutation {
    const char *kind; /* static */
    char *data;       /* as it goes over the wire; malloc'd */
    size_t length;
    int good_before;  /* answers of 200 that come before the one to judge */
    bool may_pass;    /* it may have stayed a good request */
    bool breaks_off;  /* there is more to come, which never does */
};

/* False: no memory. */
bool quern_mutation_make(struct quern_mutation *mutation, uint64_t seed);

#endif
