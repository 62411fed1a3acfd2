#include "mcp_protocol.h"

#include "array_count.h"
#include "json_reader.h"
#include "json_text.h"

#include <stdlib.h>
#include <string.h>

/* Errors of JSON-RPC. */
enum {
    JSON_WRONG = -32700,
    REQUEST_WRONG = -32600,
    METHOD_UNKNOWN = -32601,
    PARAMS_WRONG = -32602,
    INTERNAL_ERROR = -32603
};

/* Versions of the protocol, the newest one last. Only some have batches. */
static const struct {
    const char *name;
    bool has_batches;
} versions[] = {{"2024-11-05", true}, {"2025-03-26", true}, {"2025-06-18", false}, {"2025-11-25", false}};
enum { NEWEST = QUERN_COUNT(versions) - 1 };

/* What is read of a message: its own fields, those of methods, and the arguments of tools. */
static const char *const names[] = {"jsonrpc", "id", "method", "params", "result", "error", "name", "arguments",
                                    "_meta", "progressToken", "protocolVersion", "cursor", "requestId", "query",
                                    "limit", "hybrid", "texts", "task", "text", "title", "path", NULL};

struct quern_mcp_message {
    char *line;
    struct quern_json_reader reader;
    bool is_batch;
    size_t waiting;  /* answers that are to come, and one more while the message is looked through */
    size_t answered;
    FILE *answers;   /* to text[length] */
    char *text;
    size_t length;
};

/* ---------------------------------------------------------------- answers */

static void put_value(FILE *file, const struct quern_value *value)
{
    if (quern_value_is(value, QUERN_VALUE_INTEGER))
        fprintf(file, "%lld", (long long)value->is.integer);
    else if (quern_value_is(value, QUERN_VALUE_TEXT))
        quern_json_put_string(file, quern_value_text(value));
    else
        fputs("null", file);
}

/* Begins the answer to a request of a message, and locks it; id NULL: it could not be read. */
static FILE *begin_answer(struct quern_mcp_protocol *protocol, struct quern_mcp_message *message,
                          const struct quern_value *id)
{
    pthread_mutex_lock(&protocol->lock);
    fputs(message->answered++ > 0 ? ",{\"jsonrpc\":\"2.0\",\"id\":" : "{\"jsonrpc\":\"2.0\",\"id\":",
          message->answers);
    put_value(message->answers, id);
    return message->answers;
}

static void end_answer(struct quern_mcp_protocol *protocol, struct quern_mcp_message *message)
{
    putc('}', message->answers);
    pthread_mutex_unlock(&protocol->lock);
}

static void answer_error(struct quern_mcp_protocol *protocol, struct quern_mcp_message *message,
                         const struct quern_value *id, int code, const char *text)
{
    FILE *file = begin_answer(protocol, message, id);
    fprintf(file, ",\"error\":{\"code\":%d,\"message\":", code);
    quern_json_put_string(file, (quern_text){text, strlen(text)});
    putc('}', file);
    end_answer(protocol, message);
}

static void free_message(struct quern_mcp_message *message)
{
    quern_json_reader_free(&message->reader);
    free(message->line);
    free(message->text);
    free(message);
}

/* Notes that something of a message is done. The last time, its answers are written, and it is freed. */
static void release(struct quern_mcp_protocol *protocol, struct quern_mcp_message *message)
{
    pthread_mutex_lock(&protocol->lock);
    const bool is_last = --message->waiting == 0;
    if (is_last) {
        fclose(message->answers);
        if (message->answered > 0)
            fprintf(protocol->out, message->is_batch ? "[%s]\n" : "%s\n", message->text);
        fflush(protocol->out);
    }
    pthread_mutex_unlock(&protocol->lock);
    if (is_last)
        free_message(message);
}

/* ---------------------------------------------------------------- methods */

static bool is_text(const struct quern_value *value, const char *text)
{
    const quern_text has = quern_value_text(value);
    return has.data != NULL && has.length == strlen(text) && memcmp(has.data, text, has.length) == 0;
}

/* A request of a message: what its method needs. */
struct request {
    struct quern_mcp_protocol *protocol;
    struct quern_mcp_message *message;
    const struct quern_value *id, *params;
};

static void fail(const struct request *request, int code, const char *text)
{
    answer_error(request->protocol, request->message, request->id, code, text);
}

static void answer_initialize(const struct request *request)
{
    const struct quern_value *wanted = quern_value_member(request->params, "protocolVersion");
    int version = NEWEST;
    if (request->message->is_batch) {
        fail(request, REQUEST_WRONG, "initialize must not be part of a batch");
        return;
    }
    if (!quern_value_is(wanted, QUERN_VALUE_TEXT)) {
        fail(request, PARAMS_WRONG, "initialize: protocolVersion must be a string");
        return;
    }
    for (int i = 0; i <= NEWEST; i++)
        if (is_text(wanted, versions[i].name))
            version = i;
    request->protocol->takes_batches = versions[version].has_batches;
    FILE *file = begin_answer(request->protocol, request->message, request->id);
    fprintf(file, ",\"result\":{\"protocolVersion\":\"%s\",\"capabilities\":{\"tools\":{}},\"serverInfo\":"
            "{\"name\":\"quern\",\"title\":\"quern\",\"version\":", versions[version].name);
    quern_json_put_string(file, (quern_text){quern_version(), strlen(quern_version())});
    fputs("},\"instructions\":", file);
    quern_json_put_string(file, (quern_text){request->protocol->instructions,
                                             strlen(request->protocol->instructions)});
    putc('}', file);
    end_answer(request->protocol, request->message);
}

static void answer_ping(const struct request *request)
{
    fputs(",\"result\":{}", begin_answer(request->protocol, request->message, request->id));
    end_answer(request->protocol, request->message);
}

static void list_tools(const struct request *request)
{
    const struct quern_mcp_protocol *protocol = request->protocol;
    if (quern_value_member(request->params, "cursor") != NULL) {
        fail(request, PARAMS_WRONG, "tools/list: there is no such cursor, as the list has one page");
        return;
    }
    FILE *file = begin_answer(request->protocol, request->message, request->id);
    for (int i = 0; i < protocol->tool_count; i++)
        fprintf(file, "%s{\"name\":\"%s\",%s}", i == 0 ? ",\"result\":{\"tools\":[" : ",", protocol->tools[i].name,
                protocol->tools[i].definition);
    fputs("]}", file);
    end_answer(request->protocol, request->message);
}

/* A token of progress that the client may have sent. */
static const struct quern_value *progress_token(const struct quern_value *params)
{
    const struct quern_value *token = quern_value_member(quern_value_member(params, "_meta"), "progressToken");
    return quern_value_is(token, QUERN_VALUE_INTEGER) || quern_value_is(token, QUERN_VALUE_TEXT) ? token : NULL;
}

static void call_tool(const struct request *request)
{
    struct quern_mcp_protocol *protocol = request->protocol;
    const struct quern_value *name = quern_value_member(request->params, "name");
    const struct quern_value *arguments = quern_value_member(request->params, "arguments");
    int tool = 0;
    while (tool < protocol->tool_count && !is_text(name, protocol->tools[tool].name))
        tool++;
    if (tool == protocol->tool_count) {
        fail(request, PARAMS_WRONG, "tools/call: there is no tool of this name; tools/list names those that are there");
        return;
    }
    if (arguments != NULL && !quern_value_is(arguments, QUERN_VALUE_OBJECT)) {
        fail(request, PARAMS_WRONG, "tools/call: arguments must be an object");
        return;
    }
    struct quern_mcp_call *call = calloc(1, sizeof *call);
    if (call == NULL) {
        fail(request, INTERNAL_ERROR, "there is no memory for the call");
        return;
    }
    call->message = request->message;
    call->id = request->id;
    call->arguments = arguments;
    call->progress_token = progress_token(request->params);
    call->tool = tool;
    pthread_mutex_lock(&protocol->lock);
    request->message->waiting++;
    pthread_mutex_unlock(&protocol->lock);
    protocol->take_call(protocol->user, call);
}

static const struct {
    const char *name;
    void (*run)(const struct request *request);
} methods[] = {{"initialize", answer_initialize}, {"ping", answer_ping}, {"tools/list", list_tools},
               {"tools/call", call_tool}};

/* ---------------------------------------------------------------- messages */

static void take_notification(struct quern_mcp_protocol *protocol, const struct quern_value *method,
                              const struct quern_value *params)
{
    const struct quern_value *id = quern_value_member(params, "requestId");
    if (is_text(method, "notifications/cancelled") && id != NULL)
        protocol->cancel(protocol->user, id);
}

/* Takes a request, a notification, or an answer, which is none that was asked for. */
static void take_one(struct quern_mcp_protocol *protocol, struct quern_mcp_message *message,
                     const struct quern_value *value)
{
    struct request request = {.protocol = protocol, .message = message};
    const struct quern_value *method = quern_value_member(value, "method"), *id = quern_value_member(value, "id");
    if (quern_value_is(id, QUERN_VALUE_INTEGER) || quern_value_is(id, QUERN_VALUE_TEXT))
        request.id = id;
    request.params = quern_value_member(value, "params");
    if (!quern_value_is(value, QUERN_VALUE_OBJECT)) {
        fail(&request, REQUEST_WRONG, "a message must be an object");
    } else if (!is_text(quern_value_member(value, "jsonrpc"), "2.0")) {
        fail(&request, REQUEST_WRONG, "a message must have \"jsonrpc\":\"2.0\"");
    } else if (method == NULL && (quern_value_member(value, "result") != NULL ||
                                  quern_value_member(value, "error") != NULL)) {
        return;
    } else if (!quern_value_is(method, QUERN_VALUE_TEXT)) {
        fail(&request, REQUEST_WRONG, "the method of a message must be a string");
    } else if (id == NULL) {
        take_notification(protocol, method, request.params);
    } else if (request.id == NULL) {
        fail(&request, REQUEST_WRONG, "the id of a request must be a string or a whole number");
    } else if (request.params != NULL && !quern_value_is(request.params, QUERN_VALUE_OBJECT)) {
        fail(&request, PARAMS_WRONG, "the params of a request must be an object");
    } else {
        size_t i = 0;
        while (i < QUERN_COUNT(methods) && !is_text(method, methods[i].name))
            i++;
        if (i < QUERN_COUNT(methods))
            methods[i].run(&request);
        else
            fail(&request, METHOD_UNKNOWN, "there is no such method here: this server has tools only");
    }
}

static void take_batch(struct quern_mcp_protocol *protocol, struct quern_mcp_message *message,
                       const struct quern_value *batch)
{
    message->is_batch = protocol->takes_batches && quern_value_size(batch) > 0;
    if (!protocol->takes_batches)
        answer_error(protocol, message, NULL, REQUEST_WRONG, "this version of the protocol has no batches");
    else if (quern_value_size(batch) == 0)
        answer_error(protocol, message, NULL, REQUEST_WRONG, "a batch must not be empty");
    else
        for (const struct quern_value *item = quern_value_first(batch); item != NULL; item = quern_value_next(item))
            take_one(protocol, message, item);
}

/* Makes a message of a line, which may be NULL; NULL without memory, and then the line is freed. */
static struct quern_mcp_message *new_message(struct quern_mcp_protocol *protocol, char *line)
{
    struct quern_mcp_message *message = calloc(1, sizeof *message);
    if (message != NULL)
        message->answers = open_memstream(&message->text, &message->length);
    if (message != NULL && message->answers != NULL) {
        message->line = line;
        message->waiting = 1;
        return message;
    }
    free(message);
    free(line);
    pthread_mutex_lock(&protocol->lock);
    fprintf(protocol->out, "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":%d,\"message\":\"no memory\"}}\n",
            INTERNAL_ERROR);
    fflush(protocol->out);
    pthread_mutex_unlock(&protocol->lock);
    return NULL;
}

static bool is_blank(const char *line, size_t length)
{
    return strspn(line, " \t\r\n") >= length;
}

void quern_mcp_take(struct quern_mcp_protocol *protocol, char *line, size_t length)
{
    if (is_blank(line, length)) {
        free(line);
        return;
    }
    struct quern_mcp_message *message = new_message(protocol, line);
    if (message == NULL)
        return;
    const struct quern_value *root = quern_json_read_whole(&message->reader, names, line, length);
    if (root == NULL) {
        char text[256];
        const bool is_json = message->reader.fault == QUERN_JSON_LIMIT || message->reader.fault == QUERN_JSON_MEMORY;
        snprintf(text, sizeof text, "the message cannot be read: byte %zu: %s", message->reader.problem_at + 1,
                 message->reader.problem);
        answer_error(protocol, message, NULL, is_json ? REQUEST_WRONG : JSON_WRONG, text);
    } else if (quern_value_is(root, QUERN_VALUE_ARRAY)) {
        take_batch(protocol, message, root);
    } else {
        take_one(protocol, message, root);
    }
    release(protocol, message);
}

void quern_mcp_refuse_long(struct quern_mcp_protocol *protocol, size_t most)
{
    struct quern_mcp_message *message = new_message(protocol, NULL);
    char text[64];
    if (message == NULL)
        return;
    snprintf(text, sizeof text, "a message has more than %zu bytes", most);
    answer_error(protocol, message, NULL, REQUEST_WRONG, text);
    release(protocol, message);
}

/* ---------------------------------------------------------------- calls */

void quern_mcp_end_call(struct quern_mcp_protocol *protocol, struct quern_mcp_call *call, quern_text result)
{
    if (result.data != NULL) {
        FILE *file = begin_answer(protocol, call->message, call->id);
        fputs(",\"result\":", file);
        fwrite(result.data, 1, result.length, file);
        end_answer(protocol, call->message);
    }
    release(protocol, call->message);
    free(call);
}

void quern_mcp_tell_progress(struct quern_mcp_protocol *protocol, const struct quern_mcp_call *call, uint64_t done,
                             uint64_t total)
{
    if (call->progress_token == NULL || atomic_load(&call->is_cancelled))
        return;
    pthread_mutex_lock(&protocol->lock);
    fputs("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":", protocol->out);
    put_value(protocol->out, call->progress_token);
    fprintf(protocol->out, ",\"progress\":%llu,\"total\":%llu}}\n", (unsigned long long)done,
            (unsigned long long)total);
    fflush(protocol->out);
    pthread_mutex_unlock(&protocol->lock);
}

void quern_mcp_protocol_begin(struct quern_mcp_protocol *protocol)
{
    pthread_mutex_init(&protocol->lock, NULL);
    protocol->takes_batches = versions[NEWEST].has_batches;
}

void quern_mcp_protocol_end(struct quern_mcp_protocol *protocol)
{
    pthread_mutex_destroy(&protocol->lock);
}
