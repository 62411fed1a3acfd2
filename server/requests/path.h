/* Paths as clients send them. A base URL that ends in a slash, or in one part too many or too few, still leads to the
 * route that was meant. */
#ifndef QUERN_SERVER_PATH_H
#define QUERN_SERVER_PATH_H

#include <stddef.h>

#define QUERN_PATH_BYTES 768 /* with its terminator; no route's path, and no model's name, comes near it */

/* Writes the path of a route for the one that was sent: %XX is replaced by its byte, slashes that follow a slash are
 * left out, and so is one at the end. Segments "." and ".." are removed. /openai/, /openai/v1/, /api/v1/, /v1/v1/ and
 * /openai/deployments/NAME/ become /v1/, /v1/api/ and /api/api/ become /api/, and /models gets its /v1. A path that is
 * too long is cut, so that it is no route's. */
void quern_path_read(char path[QUERN_PATH_BYTES], const char *sent);

#endif
