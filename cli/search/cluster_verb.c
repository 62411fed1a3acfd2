/* quern cluster: groups of similar texts. */
#include "row_source.h"

#include "arguments.h"
#include "row_groups.h"

#include <stdlib.h>

enum { NEAREST = 3 }; /* rows that stand for a group */

struct cluster_options {
    struct quern_cli_session_options session;
    int groups;
    bool json;
};

/* The rows of a group that are nearest to its centre. Returns how many. */
static int find_nearest(const struct quern_row_groups *groups, uint32_t group, uint64_t nearest[NEAREST])
{
    int count = 0;
    for (uint64_t i = 0; i < groups->rows; i++) {
        if (groups->group[i] != group)
            continue;
        int at = count < NEAREST ? count++ : NEAREST;
        for (; at > 0 && groups->score[i] > groups->score[nearest[at - 1]]; at--)
            if (at < NEAREST)
                nearest[at] = nearest[at - 1];
        if (at < NEAREST)
            nearest[at] = i;
    }
    return count;
}

static int print_text(const struct quern_cli_row_source *source, const struct quern_row_groups *groups, uint32_t group)
{
    uint64_t nearest[NEAREST];
    const int count = find_nearest(groups, group, nearest);
    printf("group %u: %llu\n", group + 1, (unsigned long long)groups->sizes[group]);
    for (int i = 0; i < count; i++) {
        printf("    %.4f  ", groups->score[nearest[i]]);
        if (quern_cli_row_source_show(source, groups->places[nearest[i]]) != QUERN_CLI_DONE)
            return QUERN_CLI_FAILED;
    }
    return QUERN_CLI_DONE;
}

static int print_json(const struct quern_cli_row_source *source, const struct quern_row_groups *groups, uint32_t group)
{
    uint64_t nearest[NEAREST];
    const int count = find_nearest(groups, group, nearest);
    int code = QUERN_CLI_DONE;
    const char *comma = "";
    printf("{\"group\":%u,\"size\":%llu,\"nearest\":[", group + 1, (unsigned long long)groups->sizes[group]);
    for (int i = 0; code == QUERN_CLI_DONE && i < count; i++) {
        fputs(i > 0 ? "," : "", stdout);
        code = quern_cli_row_source_put_id(source, groups->places[nearest[i]]);
    }
    fputs("],\"members\":[", stdout);
    for (uint64_t i = 0; code == QUERN_CLI_DONE && i < groups->rows; i++)
        if (groups->group[i] == group) {
            fputs(comma, stdout);
            comma = ",";
            code = quern_cli_row_source_put_id(source, groups->places[i]);
        }
    puts("]}");
    return code;
}

static int cluster(const void *options, struct quern_cli_arguments arguments)
{
    const struct cluster_options *given = options;
    struct quern_cli_row_source source;
    struct quern_row_groups groups = {.rows = 0};
    quern_error error;
    if (arguments.count != 1)
        return quern_cli_misuse("cluster", "give an index, or a file of lines");
    int code = quern_cli_row_source_open(&source, arguments.texts[0], &given->session, QUERN_TASK_CLUSTERING);
    if (code == QUERN_CLI_DONE && source.is_index)
        code = quern_cli_allow(&quern_cli_cluster, arguments, "groups|threads|json",
                               "an index, whose vectors are made already");
    if (code == QUERN_CLI_DONE && quern_row_groups_make(&groups, source.index, given->groups, given->session.threads,
                                                        source.temporary.file, &error) != QUERN_OK)
        code = quern_cli_fail(NULL, &error);
    for (int group = 0; code == QUERN_CLI_DONE && group < groups.groups; group++)
        code = (given->json ? print_json : print_text)(&source, &groups, (uint32_t)group);
    quern_row_groups_free(&groups);
    quern_cli_row_source_close(&source);
    return code;
}

static struct cluster_options defaults = {.groups = 8};

static const struct quern_cli_option table[] = {
    QUERN_CLI_MODEL_OPTION(struct cluster_options),
    QUERN_CLI_AS_OPTION(struct cluster_options),
    {"groups", 'k', "N", "how many groups at most (8)", QUERN_CLI_NUMBER(struct cluster_options, groups, 1, 10000)},
    QUERN_CLI_THREADS_OPTION(struct cluster_options, session.threads),
    QUERN_CLI_EXACT_OPTION(struct cluster_options),
    QUERN_CLI_JSON_OPTION(struct cluster_options),
    {0},
};

const struct quern_cli_verb quern_cli_cluster = {
    .name = "cluster",
    .arguments = "INDEX | FILE",
    .summary = "Divides the passages of an index, or the lines of a file, into groups of similar ones (k-means).",
    .table = table,
    .more = "Prints the size of each group, the largest first, and the three texts that are nearest to its centre;\n"
            "--json a line for each group, with the ids of all. The lines of a file are embedded for the task\n"
            "clustering. The same input gives the same groups.\n\n"
            "example:\n"
            "  quern cluster notes.qidx -k 12\n"
            "  quern cluster questions.txt -k 5 --json\n",
    .takes_names = true,
    .options = &defaults,
    .run = cluster,
};
