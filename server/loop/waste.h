/* Waste: the memory of values of JSON that nobody needs any more. To give 24 MB back to the system takes longer than
 * the loop may be held, so large waste is freed in turns. It counts in the load until it is. */
#ifndef QUERN_SERVER_WASTE_H
#define QUERN_SERVER_WASTE_H

#include "requests/request.h"
#include "server_state.h"

/* Frees the values of a request, or takes them from it to free them in turns. */
void quern_waste_leave(struct quern_server *server, struct quern_request *request);

/* Gives free pages of the heap back to the system, once requests have released 4 MiB since the last time. glibc gives
 * back only what is free at the end of its heap, so one small block there keeps all that many clients have taken at the
 * same time. Done so often it takes little time. */
void quern_waste_trim(struct quern_server *server);

#endif
