/* Requests that a server must refuse, made from good requests. The same seed gives the same request. */
#ifndef QUERN_WIRE_MUTATIONS_H
#define QUERN_WIRE_MUTATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct quern_mutation {
    const char *kind; /* static */
    char *data;       /* as it goes over the wire; malloc'd */
    size_t length;
    int good_before;  /* answers of status 200 that come before the one to check */
    bool may_pass;    /* the change may have left it a good request */
    bool breaks_off;  /* the request is not complete, and the rest never comes */
};

/* False: no memory. */
bool quern_mutation_make(struct quern_mutation *mutation, uint64_t seed);

#endif
