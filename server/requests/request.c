#include "request.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Only letters, digits and ".-_", so that it can stand in a header and a log. */
static bool is_plain_id(const char *text)
{
    const size_t length = strlen(text);
    return length > 0 && length < QUERN_ID_BYTES &&
           strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_") == length;
}

/* W3C's traceparent, version 00: "00-32 digits-16 digits-2 digits", lower-case hex. */
static bool is_trace(const char *text)
{
    if (strlen(text) != 55 || strncmp(text, "00-", 3) != 0)
        return false;
    for (size_t i = 3; i < 55; i++)
        if (i == 35 || i == 52 ? text[i] != '-' : strchr("0123456789abcdef", text[i]) == NULL)
            return false;
    return true;
}

/* Takes the request's id and trace from the client, or makes an id. */
static void identify(struct quern_request *request)
{
    const char *id = quern_head_find(request->head, "x-request-id"),
               *trace = quern_head_find(request->head, "traceparent");
    uint64_t random[2] = {0};
    if (id != NULL && is_plain_id(id)) {
        strcpy(request->id, id);
    } else {
        ssize_t got = getrandom(random, sizeof random, GRND_NONBLOCK);
        (void)got; /* an id of zeros is still an id */
        snprintf(request->id, sizeof request->id, "%016llx%016llx", (unsigned long long)random[0],
                 (unsigned long long)random[1]);
    }
    if (trace != NULL && is_trace(trace))
        strcpy(request->trace, trace);
}

static const struct quern_request_options usual_options = {.task = -1, .normalize = true};

void quern_request_init(struct quern_request *request, struct quern_service *service, const struct quern_head *head)
{
    *request = (struct quern_request){
        .service = service, .served = service->models, .head = head, .rest = "", .options = usual_options};
    if (head != NULL)
        identify(request);
    if (head != NULL && head->path != NULL)
        quern_path_read(request->path, head->path);
}

void quern_request_free(struct quern_request *request)
{
    quern_request_leave(request);
    quern_request_release(request, request->held);
    quern_json_reader_free(&request->reader);
    for (size_t i = 0; request->options.wants_places && i < request->input_count; i++)
        free(request->inputs[i].places);
    quern_request_reset(request);
    free(request->inputs);
    free(request->ids);
}

void quern_request_reset(struct quern_request *request)
{
    quern_index_job_free(&request->index_job);
    for (size_t i = 0; i < request->cut_count; i++)
        free(request->cuts[i].passages);
    free(request->cuts);
    request->cuts = NULL;
    request->cut_count = request->cuts_done = request->input_count = 0;
    request->options = usual_options;
}

bool quern_refuse(struct quern_request *request, enum quern_fault fault, const char *param, const char *format, ...)
{
    struct quern_refusal *refusal = &request->refusal;
    va_list list;
    if (refusal->fault != QUERN_FAULT_NONE)
        return false;
    refusal->fault = fault;
    refusal->param = param;
    va_start(list, format);
    vsnprintf(refusal->message, sizeof refusal->message, format, list);
    va_end(list);
    return false;
}

bool quern_is_refused(const struct quern_request *request)
{
    return request->refusal.fault != QUERN_FAULT_NONE;
}

bool quern_request_hold(struct quern_request *request, size_t bytes)
{
    struct quern_load *load = &request->service->load;
    if (bytes > (size_t)request->service->options->queue_bytes - load->bytes)
        return false;
    load->bytes += bytes;
    request->held += bytes;
    return true;
}

bool quern_refuse_memory(struct quern_request *request)
{
    return quern_refuse(request, QUERN_FAULT_BUSY, NULL,
                        "the server has no memory left for requests; try again soon");
}

void quern_request_join(struct quern_request *request)
{
    struct quern_load *load = &request->service->load;
    request->is_joined = true;
    request->older = load->newest;
    request->newer = NULL;
    *(load->newest != NULL ? &load->newest->newer : &load->oldest) = request;
    load->newest = request;
}

void quern_request_leave(struct quern_request *request)
{
    struct quern_load *load = &request->service->load;
    if (!request->is_joined)
        return;
    request->is_joined = false;
    *(request->older != NULL ? &request->older->newer : &load->oldest) = request->newer;
    *(request->newer != NULL ? &request->newer->older : &load->newest) = request->older;
}

void quern_request_release(struct quern_request *request, size_t bytes)
{
    request->service->load.bytes -= bytes;
    request->service->load.released += bytes;
    request->held -= bytes;
}

/* Whether so many bytes more leave the quarter of the memory free that is kept for the oldest request. A request that
 * is alone takes nothing from others. */
static bool may_claim(const struct quern_request *request, size_t bytes)
{
    const struct quern_load *load = &request->service->load;
    const size_t most = (size_t)request->service->options->queue_bytes, shared = most - most / 4;
    return load->oldest == request || load->bytes == request->held ||
           (load->bytes <= shared && bytes <= shared - load->bytes);
}

bool quern_request_claim(struct quern_request *request, size_t bytes)
{
    const size_t most = (size_t)request->service->options->queue_bytes;
    if (may_claim(request, bytes) && quern_request_hold(request, bytes))
        return true;
    if (request->held > most || bytes > most - request->held)
        return quern_refuse(request, QUERN_FAULT_BODY, NULL, "this request alone needs more memory than the %zu bytes "
                            "that all may take together (--queue-bytes): send fewer inputs at once", most);
    return quern_refuse_memory(request);
}

bool quern_refuse_lost_model(struct quern_request *request)
{
    return quern_refuse(request, QUERN_FAULT_UNAVAILABLE, NULL, "%s", QUERN_LOST_MODEL);
}

bool quern_refuse_failure(struct quern_request *request, int code, size_t i)
{
    switch (code) {
    case QUERN_EIO: return quern_refuse_lost_model(request);
    case QUERN_ENOMEM: return quern_refuse_memory(request);
    case QUERN_ENUMERIC:
        return quern_refuse(request, QUERN_FAULT_INTERNAL, NULL, "the vector of input %zu is not finite: the model's "
                            "file is damaged for some words; check it with 'quern verify'", i);
    default:
        return quern_refuse(request, QUERN_FAULT_INTERNAL, NULL, "input %zu could not be computed (%s)", i,
                            quern_error_name(code));
    }
}

bool quern_request_reserve_ids(struct quern_request *request, size_t count)
{
    if (count <= request->id_capacity - request->id_count)
        return true;
    size_t capacity = request->id_capacity + request->id_capacity / 2;
    if (capacity < request->id_count + count)
        capacity = request->id_count + count;
    const size_t more = (capacity - request->id_capacity) * sizeof *request->ids;
    int32_t *ids = quern_request_claim(request, more) ? realloc(request->ids, capacity * sizeof *ids) : NULL;
    if (ids == NULL)
        return quern_refuse_memory(request);
    request->ids = ids;
    request->id_capacity = capacity;
    return true;
}
