#include "prometheus.h"

#include "array_count.h"
#include "dialect.h"
#include "json_text.h"

#include <math.h>
#include <string.h>

static void put_head(struct quern_buffer *out, const char *name, const char *type, const char *help)
{
    quern_buffer_print(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* Writes the value of a label, in quotes. A byte that is not UTF-8 becomes '?', because Prometheus would refuse all. */
static void put_label(struct quern_buffer *out, const char *value)
{
    quern_buffer_text(out, "\"");
    for (size_t length; *value != '\0'; value += length > 0 ? length : 1) {
        length = quern_json_character(value, strlen(value));
        if (*value == '"' || *value == '\\')
            quern_buffer_text(out, "\\");
        if (*value == '\n')
            quern_buffer_text(out, "\\n");
        else
            quern_buffer_add(out, length > 0 ? value : "?", length > 0 ? length : 1);
    }
    quern_buffer_text(out, "\"");
}

static void put_value(struct quern_buffer *out, const char *name, const char *type, const char *help, double value)
{
    put_head(out, name, type, help);
    quern_buffer_print(out, "%s %.17g\n", name, value);
}

/* Writes the bounds 2^least to 2^most; values outside are counted in the next larger bucket that is written. */
static void put_histogram(struct quern_buffer *out, const char *name, const char *help,
                          const struct quern_histogram *histogram, int least, int most)
{
    uint64_t count = 0;
    put_head(out, name, "histogram", help);
    for (int i = 0; i < QUERN_HISTOGRAM_BUCKETS; i++) {
        const int power = i + QUERN_HISTOGRAM_LEAST;
        count += histogram->counts[i];
        if (power >= least && power <= most)
            quern_buffer_print(out, "%s_bucket{le=\"%.10g\"} %llu\n", name, ldexp(1, power), (unsigned long long)count);
    }
    quern_buffer_print(out, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum %.17g\n%s_count %llu\n", name,
                       (unsigned long long)count, name, histogram->sum, name, (unsigned long long)count);
}

static void put_requests(struct quern_buffer *out, const struct quern_meters *meters)
{
    static const char *const methods[] = {"single", "batch"};
    static const char *const errors[] = {"validation", "overloaded", "unhealthy", "backend", "timeout", "cancelled"};
    put_head(out, "quern_requests_total", "counter", "Finished requests, by route (- for none) and status; 499: the "
             "client has left.");
    for (size_t i = 0; i < meters->answer_kinds; i++) {
        const struct quern_route *route = meters->answers[i].route;
        quern_buffer_print(out, "quern_requests_total{method=\"%s\",route=\"%s\",status=\"%d\"} %llu\n",
                           route != NULL ? route->method : "-", route != NULL ? route->path : "-",
                           meters->answers[i].status, (unsigned long long)meters->answers[i].count);
    }
    put_head(out, "te_request_count", "counter", "Requests for vectors, by whether they have several texts.");
    for (int i = 0; i < 2; i++)
        quern_buffer_print(out, "te_request_count{method=\"%s\"} %llu\n", methods[i],
                           (unsigned long long)meters->requests[i]);
    put_head(out, "te_request_success", "counter", "Requests for vectors that were answered with status 200.");
    for (int i = 0; i < 2; i++)
        quern_buffer_print(out, "te_request_success{method=\"%s\"} %llu\n", methods[i],
                           (unsigned long long)meters->successes[i]);
    put_head(out, "te_request_failure", "counter", "Requests for vectors that were not.");
    for (int i = 0; i < QUERN_FAILINGS; i++)
        quern_buffer_print(out, "te_request_failure{err=\"%s\"} %llu\n", errors[i],
                           (unsigned long long)meters->failures[i]);
}

static void put_texts(struct quern_buffer *out, const struct quern_meters *meters)
{
    put_value(out, "te_embed_count", "counter", "Texts of finished requests.", (double)meters->texts);
    put_value(out, "te_embed_success", "counter", "Texts whose vectors were answered.",
              (double)meters->texts_answered);
    put_value(out, "quern_tokens_total", "counter", "Tokens of texts, prompts included.", (double)meters->tokens);
    put_value(out, "quern_texts_without_prompt_total", "counter",
              "Texts that had no task and were embedded exactly as given.",
              (double)meters->texts_without_prompt);
    put_value(out, "quern_texts_truncated_total", "counter", "Texts that were cut to the model's context length.",
              (double)meters->texts_truncated);
    put_histogram(out, "quern_search_duration", "Seconds of a search in an index, without waiting.", &meters->searches,
                  -14, 6);
    put_histogram(out, "quern_index_change_duration", "Seconds of a change of an index, without waiting and computing.",
                  &meters->changes, -10, 10);
    put_histogram(out, "te_request_input_length", "Tokens of a text.", &meters->input_tokens, 0, 13);
}

static void put_times(struct quern_buffer *out, const struct quern_meters *meters)
{
    static const struct {
        const char *name, *help;
    } table[QUERN_TIMES] = {
        {"quern_request_receive_duration", "Seconds from a request's head to the end of its body."},
        {"te_request_tokenization_duration", "Seconds to parse and tokenise it."},
        {"te_request_queue_duration", "Seconds until its first text was taken into a step."},
        {"te_request_inference_duration", "Seconds from then until its last vector was computed."},
        {"quern_request_encode_duration", "Seconds to write its answer."},
        {"quern_request_send_duration", "Seconds until the system had taken the answer."},
        {"te_request_duration", "Seconds of a request for vectors, from its head to the end of its answer."}};
    for (int i = 0; i < QUERN_TIMES; i++)
        put_histogram(out, table[i].name, table[i].help, &meters->times[i], -14, 9);
}

static void put_queue(struct quern_buffer *out, struct quern_batcher *batcher)
{
    struct quern_batcher_state state;
    quern_batcher_look(batcher, &state);
    put_value(out, "te_queue_size", "gauge", "Texts that wait to be computed.", (double)state.waiting_texts);
    put_value(out, "quern_queue_tokens", "gauge", "Their tokens.", (double)state.waiting_tokens);
    put_value(out, "quern_queue_age_seconds", "gauge", "How long the oldest of them has waited.", state.oldest_seconds);
    put_value(out, "quern_running_texts", "gauge", "Texts that are being computed.",
              (double)state.running_texts);
    put_value(out, "quern_step_tokens", "gauge", "Most tokens of a step, unless it has one longer text.",
              (double)state.budget);
    put_histogram(out, "te_batch_next_size", "Texts of a step.", &state.steps.texts, 0, 9);
    put_histogram(out, "te_batch_next_tokens", "Tokens of a step.", &state.steps.tokens, 0, 13);
    put_histogram(out, "quern_batch_fill", "Tokens of a step, divided by quern_step_tokens.", &state.steps.fill, -7,
                  2);
    put_value(out, "quern_urgent_steps_total", "counter",
              "Steps of short requests that were computed before long ones, or between their layers.",
              (double)state.steps.urgent);
    put_histogram(out, "quern_step_duration", "Seconds of a step; their sum is the time spent computing.",
                  &state.steps.seconds, -14, 6);
}

/* The caches of all models together. */
static void put_cache(struct quern_buffer *out, const struct quern_service *service)
{
    struct quern_cache sum = {0}, *cache = &sum;
    for (size_t i = 0; i < service->model_count; i++) {
        const struct quern_served *served = &service->models[i];
        quern_cache_counts_add(&sum.counts, &served->cache_counts);
        if (!served->is_loaded)
            continue;
        quern_cache_counts_add(&sum.counts, &served->cache.counts);
        sum.entries += served->cache.entries;
        sum.bytes += served->cache.bytes;
    }
    put_value(out, "quern_cache_hits_total", "counter", "Texts whose vectors were known.", (double)cache->counts.known);
    put_value(out, "quern_cache_joined_total", "counter", "Texts that were being computed already.",
              (double)cache->counts.joined);
    put_value(out, "quern_cache_misses_total", "counter", "Texts that had to be computed.",
              (double)cache->counts.missed);
    put_value(out, "quern_cache_evictions_total", "counter", "Vectors that were dropped to make room.",
              (double)cache->counts.dropped);
    put_value(out, "quern_cache_entries", "gauge", "Vectors in the cache.", (double)cache->entries);
    put_value(out, "quern_cache_bytes", "gauge", "Their memory.", (double)cache->bytes);
}

/* A figure of each model. */
static void put_each(struct quern_buffer *out, const struct quern_service *service, const char *name, const char *type,
                     const char *help, double (*figure)(const struct quern_served *served))
{
    put_head(out, name, type, help);
    for (size_t i = 0; i < service->model_count; i++) {
        quern_buffer_print(out, "%s{model=", name);
        put_label(out, service->models[i].name);
        quern_buffer_print(out, "} %.17g\n", figure(&service->models[i]));
    }
}

static double loaded(const struct quern_served *served)
{
    return served->is_loaded;
}

static double memory(const struct quern_served *served)
{
    return served->is_loaded ? (double)quern_served_bytes(served) : 0;
}

static double loads(const struct quern_served *served)
{
    return (double)served->loads;
}

static double failures(const struct quern_served *served)
{
    return (double)served->failures;
}

static double load_seconds(const struct quern_served *served)
{
    return (double)served->load_ns * 1e-9;
}

static double requests(const struct quern_served *served)
{
    return (double)served->requests;
}

static double texts(const struct quern_served *served)
{
    return (double)served->texts;
}

static double tokens(const struct quern_served *served)
{
    return (double)served->tokens;
}

static void put_models(struct quern_buffer *out, const struct quern_service *service)
{
    static const struct {
        const char *name, *type, *help;
        double (*figure)(const struct quern_served *served);
    } table[] = {
        {"quern_model_loaded", "gauge", "Whether a model is in memory.", loaded},
        {"quern_model_bytes", "gauge", "Memory of its weights and vocabulary.", memory},
        {"quern_model_loads_total", "counter", "How often it was loaded.", loads},
        {"quern_model_load_failures_total", "counter", "How often it could not be loaded.", failures},
        {"quern_model_load_seconds_total", "counter", "Seconds that loading it took.", load_seconds},
        {"quern_model_requests_total", "counter", "Requests for its vectors that were answered with status 200.",
         requests},
        {"quern_model_texts_total", "counter", "Their texts.", texts},
        {"quern_model_tokens_total", "counter", "Their tokens.", tokens}};
    for (size_t i = 0; i < QUERN_COUNT(table); i++)
        put_each(out, service, table[i].name, table[i].type, table[i].help, table[i].figure);
}

static void put_state(struct quern_buffer *out, const struct quern_service *service)
{
    put_head(out, "quern_info", "gauge", "What is served, as labels.");
    quern_buffer_print(out, "quern_info{version=\"%s\",kernels=\"%s\",model=", quern_version(),
                       service->models[0].info.kernels);
    put_label(out, service->models[0].name);
    quern_buffer_text(out, "} 1\n");
    put_value(out, "process_start_time_seconds", "gauge", "When the server started, in seconds since 1970.",
              (double)service->created);
    put_value(out, "quern_connections", "gauge", "Open connections.", service->load.connections);
    put_value(out, "quern_pending_requests", "gauge", "Requests begun and not yet finished.",
              (double)service->load.requests);
    put_value(out, "quern_held_bytes", "gauge", "Memory that requests and answers hold.",
              (double)service->load.bytes);
    put_value(out, "quern_log_lines_left_out_total", "counter", "Log lines left out because writing would block.",
              (double)service->lost_log_lines);
    put_value(out, "quern_ready", "gauge", "Whether the server accepts new requests.",
              !service->draining && !service->models[0].broken);
}

void quern_metrics_write(struct quern_request *request, const struct quern_job *job, struct quern_answer *answer)
{
    const struct quern_service *service = request->service;
    struct quern_buffer *out = &answer->body;
    (void)job;
    answer->type = "text/plain; version=0.0.4; charset=utf-8";
    put_state(out, service);
    put_requests(out, &service->meters);
    put_texts(out, &service->meters);
    put_times(out, &service->meters);
    put_queue(out, service->batcher);
    put_models(out, service);
    if (service->options->cache_bytes > 0)
        put_cache(out, service);
}
