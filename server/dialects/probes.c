/* What belongs to no dialect: for those who run the server, whether it lives, whether it accepts work, and what it has
 * done. */
#include "array_count.h"
#include "requests/dialect.h"
#include "requests/prometheus.h"

static void write_health(struct quern_request *request, const struct quern_job *job, struct quern_answer *answer)
{
    (void)request;
    (void)job;
    quern_buffer_text(&answer->body, "{\"status\":\"ok\"}\n");
}

static void write_ready(struct quern_request *request, const struct quern_job *job, struct quern_answer *answer)
{
    const struct quern_service *service = request->service;
    const bool is_broken = service->models[0].broken, ready = !service->draining && !is_broken;
    (void)job;
    answer->status = ready ? 200 : 503;
    quern_buffer_print(&answer->body, "{\"status\":\"%s\"%s}\n",
                       ready ? "ready" : service->draining ? "draining" : "broken",
                       is_broken ? ",\"reason\":\"" QUERN_LOST_MODEL "\"" : "");
    if (!ready)
        quern_buffer_text(&answer->fields, "Retry-After: 1\r\n");
}

static const struct quern_route routes[] = {
    {"GET", "/health", QUERN_ROUTE_PUBLIC, NULL, write_health, NULL},
    {"GET", "/v1/health", QUERN_ROUTE_PUBLIC, NULL, write_health, NULL},
    {"GET", "/ping", QUERN_ROUTE_PUBLIC, NULL, write_health, NULL},
    {"GET", "/ready", QUERN_ROUTE_PUBLIC, NULL, write_ready, NULL},
    {"GET", "/metrics", QUERN_ROUTE_KEYED, NULL, quern_metrics_write, NULL},
};

const struct quern_dialect quern_dialect_probes = {
    .prefix = "/health", .routes = routes, .route_count = QUERN_COUNT(routes), .write_error = quern_answer_put_error};
