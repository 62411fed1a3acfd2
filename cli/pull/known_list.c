/* What 'quern models known' prints. */
#include "pull.h"

#include "json_text.h"

#include <string.h>

/* Prompts by task, those that are not empty. */
static void put_prompts_json(int number)
{
    const char *name, *between = "";
    fputs(", \"prompts\": {", stdout);
    for (int task = 0; (name = quern_task_name((quern_task)task)) != NULL; task++) {
        const char *prompt = quern_known_prompt(number, (quern_task)task);
        if (prompt[0] == '\0')
            continue;
        fputs(between, stdout);
        quern_json_put_member(stdout, name, prompt);
        between = ", ";
    }
    putchar('}');
}

static void put_json(int number, const quern_known_info *known)
{
    fputs(number == 0 ? "[{" : ",\n {", stdout);
    quern_json_put_member(stdout, "name", known->name);
    quern_json_put_member(stdout, ", repository", known->repository);
    quern_json_put_member(stdout, ", license", known->license);
    quern_json_put_member(stdout, ", languages", known->languages);
    quern_json_put_member(stdout, ", architecture", known->architecture);
    quern_json_put_member(stdout, ", tokenizer", known->tokenizer);
    printf(", \"runs\": %s, \"parameters\": %d", known->runs ? "true" : "false", known->parameters);
    printf(", \"dimensions\": %d, \"layers\": %d, \"most_tokens\": %d, \"least_dimensions\": %d, "
           "\"needs_prompts\": %s",
           known->dimensions, known->layers, known->most_tokens, known->least_dimensions,
           known->needs_prompts ? "true" : "false");
    put_prompts_json(number);
    putchar('}');
}

static bool has_prompts(int number)
{
    bool has = false;
    for (int task = 0; quern_task_name((quern_task)task) != NULL; task++)
        has = has || quern_known_prompt(number, (quern_task)task)[0] != '\0';
    return has;
}

static void put_text(int number, const quern_known_info *known)
{
    printf("%-30s  %-4s  %5d  %6d  %-7s  %-18s  %s\n", known->name, known->runs ? "yes" : "no", known->dimensions,
           known->most_tokens, known->needs_prompts ? "always" : has_prompts(number) ? "yes" : "no",
           known->license, known->repository);
}

void quern_cli_list_known(bool json)
{
    quern_known_info known = {.size = sizeof known};
    if (!json)
        printf("%-30s  %-4s  %5s  %6s  %-7s  %-18s  %s\n", "name", "runs", "dims", "tokens", "prompts", "license",
               "published as");
    for (int i = 0; quern_known_describe(i, &known, NULL) == QUERN_OK; i++)
        json ? put_json(i, &known) : put_text(i, &known);
    if (json)
        puts("]");
}
