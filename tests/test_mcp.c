/* The protocol of quern mcp, without its tools. */
#include "../cli/mcp/mcp_protocol.h"
#include "array_count.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Calls wait here until a test ends them. */
struct trial {
    struct quern_mcp_protocol protocol;
    struct quern_mcp_call *calls[8];
    int count;
    char cancelled[64]; /* ids that were cancelled */
    char *text;
    size_t length;
};

static const struct quern_mcp_tool tools[] = {{"one", "\"inputSchema\":{\"type\":\"object\"}"},
                                              {"two", "\"inputSchema\":{\"type\":\"object\"}"}};

static void take_call(void *user, struct quern_mcp_call *call)
{
    struct trial *trial = user;
    trial->calls[trial->count++] = call;
}

static void cancel(void *user, const struct quern_value *id)
{
    struct trial *trial = user;
    char text[24];
    snprintf(text, sizeof text, "%lld ", (long long)quern_value_integer(id));
    strcat(trial->cancelled, quern_value_string(id) != NULL ? quern_value_string(id) : text);
}

/* Begins to keep what is written. */
static void open_output(struct trial *trial)
{
    free(trial->text);
    trial->text = NULL;
    trial->protocol.out = open_memstream(&trial->text, &trial->length);
    assert_non_null(trial->protocol.out);
}

static void begin(struct trial *trial)
{
    *trial = (struct trial){.protocol = {.tools = tools, .tool_count = 2, .instructions = "Search \"here\".",
                                         .take_call = take_call, .cancel = cancel, .user = trial}};
    open_output(trial);
    quern_mcp_protocol_begin(&trial->protocol);
}

static void end(struct trial *trial)
{
    fclose(trial->protocol.out);
    quern_mcp_protocol_end(&trial->protocol);
    free(trial->text);
}

static void tell(struct trial *trial, const char *line)
{
    quern_mcp_take(&trial->protocol, strdup(line), strlen(line));
}

/* What was written since the last look. */
static void expect(struct trial *trial, const char *text)
{
    fclose(trial->protocol.out);
    assert_string_equal(trial->text, text);
    open_output(trial);
}

/* Whether what was written since the last look is a line that has all these parts, with '|' between them. */
static void expect_parts(struct trial *trial, const char *parts)
{
    char copy[1024], *rest = copy;
    fclose(trial->protocol.out);
    assert_true(trial->length > 0 && strchr(trial->text, '\n') == trial->text + trial->length - 1);
    snprintf(copy, sizeof copy, "%s", parts);
    for (char *part; (part = strsep(&rest, "|")) != NULL;)
        if (strstr(trial->text, part) == NULL)
            fail_msg("no %s in %s", part, trial->text);
    open_output(trial);
}

static void end_call(struct trial *trial, int i, const char *result)
{
    quern_mcp_end_call(&trial->protocol, trial->calls[i],
                       result != NULL ? (quern_text){result, strlen(result)} : (quern_text){0});
}

static void test_initialize(void **state)
{
    static const char *const versions[][2] = {
        {"2024-11-05", "2024-11-05"}, {"2025-03-26", "2025-03-26"}, {"2025-06-18", "2025-06-18"},
        {"2025-11-25", "2025-11-25"}, {"1999-01-01", "2025-11-25"}, {"2999-01-01", "2025-11-25"}};
    struct trial trial;
    (void)state;
    begin(&trial);
    for (size_t i = 0; i < QUERN_COUNT(versions); i++) {
        char line[256], answer[64];
        snprintf(line, sizeof line, "{\"jsonrpc\":\"2.0\",\"id\":\"a\\u0022\",\"method\":\"initialize\",\"params\":"
                 "{\"protocolVersion\":\"%s\",\"capabilities\":{\"x\":[1,{}]},\"clientInfo\":{}}}\r", versions[i][0]);
        snprintf(answer, sizeof answer, "\"result\":{\"protocolVersion\":\"%s\",", versions[i][1]);
        tell(&trial, line);
        expect_parts(&trial, answer);
        tell(&trial, line);
        expect_parts(&trial, "{\"jsonrpc\":\"2.0\",\"id\":\"a\\u0022\",|\"capabilities\":{\"tools\":{}}"
                     "|\"name\":\"quern\"|\"instructions\":\"Search \\u0022here\\u0022.\"}}\n");
    }
    tell(&trial, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":20}}");
    expect_parts(&trial, "\"id\":1,\"error\":{\"code\":-32602,");
    tell(&trial, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\"}");
    expect_parts(&trial, "\"id\":1,\"error\":{\"code\":-32602,");
    tell(&trial, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
    expect(&trial, "");
    end(&trial);
}

static void test_requests(void **state)
{
    struct trial trial;
    (void)state;
    begin(&trial);
    tell(&trial, "{\"jsonrpc\":\"2.0\",\"id\":-7,\"method\":\"ping\"}");
    expect(&trial, "{\"jsonrpc\":\"2.0\",\"id\":-7,\"result\":{}}\n");
    tell(&trial, "{\"method\":\"tools/list\",\"id\":\"l\",\"params\":{},\"jsonrpc\":\"2.0\"}");
    expect(&trial, "{\"jsonrpc\":\"2.0\",\"id\":\"l\",\"result\":{\"tools\":[{\"name\":\"one\",\"inputSchema\":"
           "{\"type\":\"object\"}},{\"name\":\"two\",\"inputSchema\":{\"type\":\"object\"}}]}}\n");
    tell(&trial, "   ");
    tell(&trial, "");
    tell(&trial, "{\"jsonrpc\":\"2.0\",\"method\":\"what/ever\",\"params\":[1]}");
    tell(&trial, "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{}}");
    tell(&trial, "{\"jsonrpc\":\"2.0\",\"id\":3,\"error\":{\"code\":1}}");
    tell(&trial, "{\"jsonrpc\":\"2.0\",\"method\":\"tools/call\",\"params\":{\"name\":\"one\"}}");
    assert_int_equal(trial.count, 0);
    expect(&trial, "");
    end(&trial);
}

static void test_refusals(void **state)
{
    static const char *const wrong[][2] = {
        {"{", "\"id\":null,\"error\":{\"code\":-32700,"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"} x", "\"id\":null,\"error\":{\"code\":-32700,"},
        {"{'id':1}", "\"id\":null,\"error\":{\"code\":-32700,"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"p\xff\"}", "\"id\":null,\"error\":{\"code\":-32700,"},
        {"[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]", "\"id\":null,\"error\":{\"code\":-32600,"},
        {"7", "\"id\":null,\"error\":{\"code\":-32600,"},
        {"null", "\"id\":null,\"error\":{\"code\":-32600,"},
        {"{}", "\"id\":null,\"error\":{\"code\":-32600,"},
        {"{\"id\":4,\"method\":\"ping\"}", "\"id\":4,\"error\":{\"code\":-32600,"},
        {"{\"jsonrpc\":\"1.0\",\"id\":4,\"method\":\"ping\"}", "\"id\":4,\"error\":{\"code\":-32600,"},
        {"{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":5}", "\"id\":4,\"error\":{\"code\":-32600,"},
        {"{\"jsonrpc\":\"2.0\",\"id\":4}", "\"id\":4,\"error\":{\"code\":-32600,"},
        {"{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"}", "\"id\":null,\"error\":{\"code\":-32600,"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"ping\"}", "\"id\":null,\"error\":{\"code\":-32600,"},
        {"{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"ping\"}", "\"id\":null,\"error\":{\"code\":-32600,"},
        {"{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"ping\",\"params\":[]}", "\"id\":4,\"error\":{\"code\":-32602,"},
        {"{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"pin\"}", "\"id\":4,\"error\":{\"code\":-32601,"},
        {"{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"ping\\u0000\"}", "\"id\":4,\"error\":{\"code\":-32601,"},
        {"{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"resources/list\"}", "\"id\":4,\"error\":{\"code\":-32601,"},
        {"{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"tools/list\",\"params\":{\"cursor\":\"x\"}}",
         "\"id\":4,\"error\":{\"code\":-32602,"},
        {"{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"tools/call\"}", "\"id\":4,\"error\":{\"code\":-32602,"},
        {"{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"tools/call\",\"params\":{\"name\":\"three\"}}",
         "\"id\":4,\"error\":{\"code\":-32602,"},
        {"{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"tools/call\",\"params\":{\"name\":\"one\",\"arguments\":[]}}",
         "\"id\":4,\"error\":{\"code\":-32602,"},
        {"[]", "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,"},
        {"[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}]",
         "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,"},
    };
    struct trial trial;
    (void)state;
    begin(&trial);
    for (size_t i = 0; i < QUERN_COUNT(wrong); i++) {
        tell(&trial, wrong[i][0]);
        expect_parts(&trial, wrong[i][1]);
    }
    quern_mcp_refuse_long(&trial.protocol, 99);
    expect_parts(&trial, "\"id\":null,\"error\":{\"code\":-32600,|more than 99 bytes");
    assert_int_equal(trial.count, 0);
    end(&trial);
}

static void test_calls(void **state)
{
    struct trial trial;
    (void)state;
    begin(&trial);
    tell(&trial, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"two\",\"arguments\":"
         "{\"query\":\"a\\nb\",\"other\":1},\"_meta\":{\"progressToken\":\"t\"}}}");
    tell(&trial, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":\"one\"}}");
    tell(&trial, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"ping\"}");
    expect(&trial, "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{}}\n");
    assert_int_equal(trial.count, 2);
    assert_int_equal(trial.calls[0]->tool, 1);
    assert_string_equal(quern_value_string(quern_value_member(trial.calls[0]->arguments, "query")), "a\nb");
    assert_null(trial.calls[1]->arguments);
    quern_mcp_tell_progress(&trial.protocol, trial.calls[0], 5, 10);
    quern_mcp_tell_progress(&trial.protocol, trial.calls[1], 5, 10); /* it has no token */
    expect(&trial, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":\"t\","
           "\"progress\":5,\"total\":10}}\n");
    end_call(&trial, 1, "{\"b\":2}");
    end_call(&trial, 0, "{\"a\":1}");
    expect(&trial, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"b\":2}}\n"
           "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"a\":1}}\n");
    tell(&trial, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":"
         "{\"requestId\":12,\"reason\":\"\"}}");
    tell(&trial, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":\"x\"}}");
    tell(&trial, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\"}");
    assert_string_equal(trial.cancelled, "12 x");
    tell(&trial, "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"tools/call\",\"params\":{\"name\":\"one\"}}");
    end_call(&trial, 2, NULL);
    expect(&trial, "");
    end(&trial);
}

/* The answers of a batch come together, when the last call has ended. */
static void test_batches(void **state)
{
    struct trial trial;
    (void)state;
    begin(&trial);
    tell(&trial, "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":"
         "{\"protocolVersion\":\"2025-03-26\"}}");
    expect_parts(&trial, "2025-03-26");
    tell(&trial, "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"one\"}},"
         "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\"},{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"},"
         "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"tools/call\",\"params\":{\"name\":\"two\"}},"
         "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2025-03-26\"}},5]");
    expect(&trial, "");
    end_call(&trial, 1, "{}");
    expect(&trial, "");
    end_call(&trial, 0, "[]");
    expect_parts(&trial, "[{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}},{|\"id\":4,\"error\":{\"code\":-32600,"
                 "|\"id\":null,\"error\":{\"code\":-32600,|,{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{}},"
                 "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":[]}]\n");
    tell(&trial, "[{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}]"); /* no answer at all, not an empty batch */
    expect(&trial, "");
    tell(&trial, "[]");
    expect_parts(&trial, "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,");
    end(&trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_initialize), cmocka_unit_test(test_requests), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_calls), cmocka_unit_test(test_batches)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
