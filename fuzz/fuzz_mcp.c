/* Any bytes as lines of messages to quern mcp, whose tools answer at once, late, or not at all. Every line that it
 * writes must be JSON: an object of JSON-RPC 2.0, or an array of some. */
#include "fuzz.h"
#include "mcp/mcp_protocol.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { KEPT_CALLS = 4 };

struct fuzz_tools {
    struct quern_mcp_protocol protocol;
    struct quern_mcp_call *calls[KEPT_CALLS];
    int count;
};

static void end_call(struct fuzz_tools *tools, struct quern_mcp_call *call)
{
    static const char result[] = "{\"content\":[]}";
    quern_mcp_tell_progress(&tools->protocol, call, 1, 2);
    quern_mcp_end_call(&tools->protocol, call,
                       atomic_load(&call->is_cancelled) ? (quern_text){0} : (quern_text){result, sizeof result - 1});
}

static void take_call(void *user, struct quern_mcp_call *call)
{
    struct fuzz_tools *tools = user;
    if (tools->count < KEPT_CALLS && call->tool == 1)
        tools->calls[tools->count++] = call;
    else
        end_call(tools, call);
}

static void cancel(void *user, const struct quern_value *id)
{
    struct fuzz_tools *tools = user;
    for (int i = 0; i < tools->count; i++)
        if (quern_value_equals(tools->calls[i]->id, id))
            atomic_store(&tools->calls[i]->is_cancelled, true);
}

static void check_message(const json_t *message)
{
    const char *version = json_string_value(json_object_get(message, "jsonrpc"));
    if (version == NULL || strcmp(version, "2.0") != 0)
        abort();
}

/* Checks what was written, which ends with a NUL. */
static void check_lines(char *text)
{
    for (char *line; (line = strsep(&text, "\n")) != NULL && text != NULL;) {
        json_t *root = json_loads(line, JSON_ALLOW_NUL, NULL), *item;
        size_t i;
        if (root == NULL || (json_is_array(root) && json_array_size(root) == 0))
            abort();
        if (json_is_array(root))
            json_array_foreach(root, i, item)
                check_message(item);
        else
            check_message(root);
        json_decref(root);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct quern_mcp_tool list[] = {{"a", "\"b\":{}"}, {"search", "\"b\":1"}};
    struct fuzz_tools tools = {.protocol = {.tools = list, .tool_count = 2, .instructions = "", .take_call = take_call,
                                            .cancel = cancel}};
    char *text = NULL;
    size_t length;
    tools.protocol.user = &tools;
    tools.protocol.out = open_memstream(&text, &length);
    if (tools.protocol.out == NULL)
        return 0;
    quern_mcp_protocol_begin(&tools.protocol);
    for (size_t begin = 0, end; begin < size; begin = end + 1) {
        const uint8_t *newline = memchr(data + begin, '\n', size - begin);
        end = newline != NULL ? (size_t)(newline - data) : size;
        char *line = malloc(end - begin + 1); /* so that a read behind the end is seen */
        if (line == NULL)
            break;
        memcpy(line, data + begin, end - begin);
        line[end - begin] = '\0';
        quern_mcp_take(&tools.protocol, line, end - begin);
    }
    for (int i = 0; i < tools.count; i++)
        end_call(&tools, tools.calls[i]);
    quern_mcp_protocol_end(&tools.protocol);
    fclose(tools.protocol.out);
    check_lines(text);
    free(text);
    return 0;
}
