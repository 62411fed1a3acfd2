/* Waste: memory that nobody needs any more. To give 24 MB back to the system takes longer than the loop may be held, so
 * large waste is freed in turns. */
#ifndef QUERN_SERVER_WASTE_H
#define QUERN_SERVER_WASTE_H

#include "requests/request.h"
#include "server_state.h"

/* Frees the values of a request's JSON, or takes them from it to free them in turns. They count in the load until they
 * are freed. */
void quern_waste_leave(struct quern_server *server, struct quern_request *request);

/* Frees memory of malloc that has so many bytes, or gives its pages back to the system in turns, and frees it then. It
 * counts in the load no more: a turn gives back more than a turn takes. data: NULL is allowed. */
void quern_waste_free(struct quern_server *server, void *data, size_t bytes);

/* Frees a job in this way. NULL is allowed. */
void quern_waste_job(struct quern_server *server, struct quern_job *job);

/* Gives free pages of the heap back to the system, once requests have released 4 MiB since the last time. glibc gives
 * back only what is free at the end of its heap, so one small block there keeps all that many clients have taken at the
 * same time. Done so often it takes little time. */
void quern_waste_trim(struct quern_server *server);

#endif
