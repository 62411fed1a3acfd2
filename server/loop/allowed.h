/* The lists of --cors-origin and --allowed-hosts: whose pages may use the server, and what it is called. They are read
 * once, at the start, and an entry that could never match is an error. */
#ifndef QUERN_SERVER_ALLOWED_H
#define QUERN_SERVER_ALLOWED_H

#include "quern.h"

#include <stdbool.h>

struct quern_allowed { /* starts as zero */
    char **entries;    /* [count], in lower case */
    size_t count;
    bool any; /* "*" is one of them */
};

/* Reads a list with commas between its entries; NULL is an empty one. Spaces around an entry and a slash at its end do
 * not count, and neither does case. An origin is "*" (any), "null" (pages without an origin, such as files), or a
 * scheme and a name, such as "https://a.example:8443". Before a dot of the name, "*" stands for all names below it. As
 * the port it stands for any port, and as the whole name for all of a scheme.
 *
 * QUERN_EINVAL names the entry and what is wrong with it. QUERN_ENOMEM. */
int quern_origins_read(struct quern_allowed *allowed, const char *list, quern_error *error);

/* The same for names of this server: "*", "a.example" or "*.a.example". A port after a name does not count. */
int quern_hosts_read(struct quern_allowed *allowed, const char *list, quern_error *error);
void quern_allowed_free(struct quern_allowed *allowed);

/* Whether an origin, as it stands in the field Origin, is one of the list. */
bool quern_origins_have(const struct quern_allowed *allowed, const char *origin);

/* Whether name[length], without a port, is one of the list. */
bool quern_hosts_have(const struct quern_allowed *allowed, const char *name, size_t length);

#endif
