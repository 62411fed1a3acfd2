/* quern mcp: search for assistants. */
#include "mcp_calls.h"
#include "mcp_tools.h"

#include "arguments.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LONGEST_LINE = 16 << 20 }; /* bytes of a message */

struct mcp_options {
    struct quern_cli_session_options session;
    const char *index;
    struct quern_cli_texts allowed;
    bool read_only;
};

/* ---------------------------------------------------------------- lines */

/* Reads a line without its end, to be freed. *is_long: it has more than LONGEST_LINE bytes, and was passed over. NULL:
 * the input has ended, or there is no memory. */
static char *read_line(FILE *file, size_t *length, bool *is_long)
{
    char *line = NULL;
    size_t capacity = 0;
    int c;
    *length = 0;
    *is_long = false;
    while ((c = getc_unlocked(file)) != EOF && c != '\n') {
        if (*length == LONGEST_LINE) {
            *is_long = true;
            continue;
        }
        if (*length + 1 >= capacity) {
            capacity = 2 * capacity + 4096;
            char *longer = realloc(line, capacity);
            if (longer == NULL) {
                free(line);
                return NULL;
            }
            line = longer;
        }
        line[(*length)++] = (char)c;
    }
    if (line == NULL && c == '\n')
        line = calloc(1, 1);
    if (line != NULL)
        line[*length] = '\0';
    return line;
}

static void take_lines(struct quern_mcp_protocol *protocol)
{
    size_t length;
    bool is_long;
    for (char *line; (line = read_line(stdin, &length, &is_long)) != NULL;) {
        if (!is_long) {
            quern_mcp_take(protocol, line, length);
            continue;
        }
        free(line);
        quern_mcp_refuse_long(protocol, LONGEST_LINE);
    }
}

/* ---------------------------------------------------------------- the verb */

/* Opens the index, if it is there, and the model. */
static int open_all(const struct mcp_options *given, struct quern_mcp_toolbox *box, struct quern_cli_session *session)
{
    quern_error error;
    int code;
    if (access(box->index.path, F_OK) != 0 && errno == ENOENT) {
        if (given->read_only) {
            quern_cli_say("cannot read %s: %s", given->index, strerror(ENOENT));
            return QUERN_CLI_FAILED;
        }
        quern_cli_notice("%s is not there yet: the first call of add makes it", given->index);
        code = quern_cli_index_session_open(session, &given->session, NULL, NULL);
    } else {
        if (quern_followed_index_look(&box->index, &error) != QUERN_OK)
            return quern_cli_fail(NULL, &error);
        code = quern_cli_index_model_open(session, &given->session, &box->index.info);
    }
    if (code != QUERN_CLI_DONE)
        return code;
    box->model_name = quern_cli_index_model_name(session->path);
    if (box->model_name != NULL)
        return QUERN_CLI_DONE;
    quern_cli_say("no memory for the name of the model");
    return QUERN_CLI_FAILED;
}

/* Finds the folders whose files may be added. */
static int find_allowed(const struct mcp_options *given, struct quern_mcp_toolbox *box)
{
    for (int i = 0; i < given->allowed.count; i++) {
        box->allowed[i] = realpath(given->allowed.values[i], NULL);
        if (box->allowed[i] == NULL) {
            quern_cli_say("cannot read %s: %s", given->allowed.values[i], strerror(errno));
            return QUERN_CLI_FAILED;
        }
        box->allowed_count++;
    }
    return QUERN_CLI_DONE;
}

static int talk(const struct mcp_options *given, struct quern_mcp_toolbox *box)
{
    struct quern_mcp_calls calls = {.run = quern_mcp_run_tool, .user = box};
    struct quern_mcp_protocol protocol = {
        .out = stdout, .tools = quern_mcp_tools, .tool_count = QUERN_MCP_TOOLS - given->read_only,
        .instructions = "Searches the user's own notes, documents or code by meaning, on this machine. Use search "
                        "before answering questions about them, and name the path and line of what was used.",
        .take_call = quern_mcp_calls_take, .cancel = quern_mcp_calls_cancel, .user = &calls};
    calls.protocol = box->protocol = &protocol;
    quern_mcp_protocol_begin(&protocol);
    if (!quern_mcp_calls_begin(&calls)) {
        quern_cli_say("cannot start a thread: %s", strerror(errno));
        return QUERN_CLI_FAILED;
    }
    if (quern_cli_is_terminal(STDIN_FILENO))
        quern_cli_notice("waiting for the messages of an assistant, which starts this command itself; Ctrl-D ends it");
    take_lines(&protocol);
    quern_mcp_calls_end(&calls);
    quern_mcp_protocol_end(&protocol);
    return QUERN_CLI_DONE;
}

static int mcp_run(const void *options, struct quern_cli_arguments arguments)
{
    const struct mcp_options *given = options;
    char *allowed[QUERN_CLI_TEXTS];
    struct quern_cli_session session = {.path = NULL};
    struct quern_mcp_toolbox box = {.session = &session, .allowed = allowed};
    if (arguments.count > 0 || given->index == NULL)
        return quern_cli_misuse("mcp", "name the index with --index");
    if (given->read_only && given->allowed.count > 0)
        return quern_cli_misuse("mcp", "--allow is for the tool add, which --read-only leaves out");
    char *path = quern_cli_index_path(given->index);
    if (path == NULL)
        return QUERN_CLI_FAILED;
    box.index.path = path;
    box.index.options = (quern_searcher_options){.size = sizeof box.index.options, .most_queries = 1,
                                                 .threads = given->session.threads};
    int code = find_allowed(given, &box);
    if (code == QUERN_CLI_DONE)
        code = open_all(given, &box, &session);
    if (code == QUERN_CLI_DONE)
        code = talk(given, &box);
    quern_followed_index_close(&box.index);
    quern_cli_session_close(&session);
    for (int i = 0; i < box.allowed_count; i++)
        free(allowed[i]);
    free(box.model_name);
    free(path);
    return code;
}

static struct mcp_options defaults;

static const struct quern_cli_option table[] = {
    QUERN_CLI_MODEL_OPTION(struct mcp_options),
    QUERN_CLI_AS_OPTION(struct mcp_options),
    {"index", '\0', "FILE", "the index to search; the tool add makes it when it is not there",
     QUERN_CLI_TEXT(struct mcp_options, index)},
    {"allow", '\0', "FOLDER", "the tool add may read files of this folder too; may be given several times",
     QUERN_CLI_SEVERAL(struct mcp_options, allowed)},
    {"read-only", '\0', NULL, "there is no tool add", QUERN_CLI_SWITCH(struct mcp_options, read_only)},
    QUERN_CLI_THREADS_OPTION(struct mcp_options, session.threads),
    QUERN_CLI_EXACT_OPTION(struct mcp_options),
    QUERN_CLI_CONTEXT_OPTION(struct mcp_options),
    {0},
};

const struct quern_cli_verb quern_cli_mcp = {
    .name = "mcp",
    .summary = "Lets assistants search an index: a server of the Model Context Protocol over standard input.",
    .table = table,
    .more = "An assistant starts this command itself, and sends a message in each line. It gets the tools search\n"
            "(query, limit, hybrid), embed (texts, task) and add (a text, or the path of a file or folder). The model\n"
            "is the one that made the index, unless -m names another. When the index changes, it is opened again.\n\n"
            "example:\n"
            "  claude mcp add notes -- quern mcp --index ~/notes.qidx\n",
    .options = &defaults,
    .run = mcp_run,
};
