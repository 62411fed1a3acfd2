/* What belongs to no dialect: whether the server lives, whether it wants work and what it has done, for those who run
 * it. */
#include "requests/routes.h"

static void write_health(struct quern_request *request)
{
    quern_buffer_text(&request->answer, "{\"status\":\"ok\"}\n");
}

static void write_ready(struct quern_request *request)
{
    const struct quern_service *service = request->service;
    const bool ready = !service->draining && !service->broken;
    request->status = ready ? 200 : 503;
    quern_buffer_print(&request->answer, "{\"status\":\"%s\"}\n",
                       ready ? "ready" : service->draining ? "draining" : "broken");
}

void quern_write_error(struct quern_request *request, struct quern_buffer *answer)
{
    quern_buffer_text(answer, "{\"error\":");
    quern_buffer_string(answer, request->refusal.message);
    quern_buffer_text(answer, "}\n");
}

static const struct quern_route routes[] = {
    {"GET", "/health", true, NULL, write_health},
    {"GET", "/v1/health", true, NULL, write_health},
    {"GET", "/ping", true, NULL, write_health},
    {"GET", "/ready", true, NULL, write_ready},
    {"GET", "/metrics", false, NULL, quern_meters_write},
};

const struct quern_dialect quern_dialect_probes = {
    .prefix = "/health", .routes = routes, .route_count = sizeof routes / sizeof routes[0],
    .write_error = quern_write_error};
